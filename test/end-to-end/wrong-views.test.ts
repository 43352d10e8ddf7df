import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { copyFlights } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { waitFor } from '../platform/wait.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-wrong'

const wrongViews = {
  syntax: 'SELECT carrier,\n  count(* AS n\nFROM departures\nGROUP BY carrier',
  unknown_column: 'SELECT carrier,\n  sum(delay_minuts) AS n\nFROM departures\nGROUP BY carrier',
  key_not_given: 'SELECT origin, count(*) AS n FROM departures GROUP BY origin',
  filtered:
    'SELECT * FROM (SELECT carrier, count(*) AS n FROM departures GROUP BY carrier) WHERE n > 1',
}

test('P8: views that Spark cannot run are told at once, with file and line, and mended files go live', async () => {
  const copy = copyFlights(join(testStack().stateFolder, `${namespace}-files`), namespace)
  const file = join(copy.applicationsFolder, 'flights', 'application.yaml')
  const views = Object.keys(wrongViews).map((name) => `  ${name}: { key: [carrier] }`)
  const valid = readFileSync(file, 'utf8')
  copy.write('application.yaml', valid.replace('views:\n', `views:\n${views.join('\n')}\n`))
  for (const [name, sql] of Object.entries(wrongViews)) {
    copy.write(`views/${name}.sql`, sql)
  }
  const platform = await Platform.start({ namespace, redisDatabase: 5, ...copy })
  try {
    const { cause } = await waitFor(
      'the release failing',
      async () => {
        const status = await platform.releaseStatus('flights')
        return status.state === 'failed' ? status : undefined
      },
      120_000,
    )
    assert.match(cause ?? '', /views\/syntax\.sql:2: .*PARSE_SYNTAX_ERROR/)
    assert.match(cause ?? '', /views\/unknown_column\.sql:2: .*delay_minuts.*delay_minutes/)
    assert.match(
      cause ?? '',
      /views\/key_not_given\.sql: does not give the key column carrier; its columns are origin, n/,
    )
    assert.match(cause ?? '', /views\/filtered\.sql: .*delete_when/)
    assert.doesNotMatch(cause ?? '', /carrier_hours/)

    const ready = await fetch(`${platform.replay.url}/health/ready`)
    assert.equal(ready.status, 503)
    const unknown = await fetch(`${platform.results.url}/v1/views/flights/carrier_hours`)
    assert.ok(unknown.status === 404 || unknown.status === 503)

    copy.write('application.yaml', valid)
    for (const name of Object.keys(wrongViews)) copy.remove(`views/${name}.sql`)
    await platform.replay.stop()
    platform.replay = await platform.startService('replay')
    assert.equal((await platform.untilLive('flights')).release, 2)
  } finally {
    await platform.stop()
  }
})
