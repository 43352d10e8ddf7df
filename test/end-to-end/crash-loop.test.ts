import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { copyFlights } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { getJson } from '../platform/platform-client.ts'
import { publishImport } from '../platform/publish.ts'
import { waitFor } from '../platform/wait.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-crash-loop'

const application = `application: flights
streams:
  departures: { topic: ${namespace}.flights.departures }
views:
  ratios: { key: [carrier] }
`

test('P8: a view that fails again and again ends the release as failed, with its cause', async () => {
  const copy = copyFlights(join(testStack().stateFolder, `${namespace}-files`), namespace)
  const folder = join(copy.applicationsFolder, 'flights')
  rmSync(join(folder, 'views'), { recursive: true })
  copy.write('application.yaml', application)
  copy.write(
    'views/ratios.sql',
    'SELECT carrier, sum(distance_miles / (flight - 1)) AS ratio FROM departures GROUP BY carrier',
  )
  const environment = { KAPPA_FAILURES_MAX: '2', KAPPA_RESTART_DELAY_MS_MIN: '100' }
  const platform = await Platform.start({ namespace, redisDatabase: 6, ...copy, environment })
  try {
    await platform.untilLive('flights')
    const event = {
      event_id: 'divides-by-zero',
      carrier: 'UA',
      flight: 1,
      tail_number: 'N1',
      origin: 'EWR',
      destination: 'SFO',
      scheduled_at: '2013-01-01T05:00:00Z',
      departed_at: '2013-01-01T05:07:00Z',
      delay_minutes: 7,
      distance_miles: 2_565,
    }
    await publishImport(platform.ingest.url, [{ topic: 'flights.departures', event }], copy)
    const { cause, cluster } = await waitFor(
      'the release failing',
      async () => {
        const status = await platform.releaseStatus('flights')
        return status.state === 'failed' ? status : undefined
      },
      180_000,
    )
    assert.match(cause ?? '', /View ratios failed 2 times in a row, at last with: .*DIVIDE_BY_ZERO/)
    await waitFor(
      'its cluster being stopped',
      async () => ((await platform.releaseStatus('flights')).cluster === null ? true : undefined),
      30_000,
    )
    assert.ok(cluster === null || cluster.starts === 1)
    const metrics = await (await fetch(`${platform.replay.url}/metrics`)).text()
    assert.match(metrics, /kappa_release_state\{[^}]*state="failed"[^}]*\} 1/)
    assert.ok(await getJson(`${platform.ingest.url}/health/ready`))
  } finally {
    await platform.stop()
  }
})
