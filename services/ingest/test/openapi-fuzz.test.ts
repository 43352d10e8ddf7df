import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runPython } from '@kappa/test/python'
import { testStack } from '@kappa/test/stack'
import { delay, TestIngest } from './fixture.ts'

/** `npm run test:fuzz` takes longer. */
const seconds = Number(process.env.KAPPA_FUZZ_SECONDS ?? 60)
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
]

test('whatever is sent, ingest answers as its OpenAPI document says', async (t) => {
  const ingest = await TestIngest.start(['a', 'b'])
  try {
    await ingest.publish('a', delay())
    const folder = join(testStack().stateFolder, 'openapi-fuzz')
    mkdirSync(folder)
    // Random names would never get past "unknown topic".
    const config = `[parameters]
topic = ["${ingest.topic('a')}", "${ingest.topic('b')}", "nowhere"]
subject = ["${ingest.topic('a')}-value", "nowhere-value"]
`
    writeFileSync(join(folder, 'schemathesis.toml'), config)
    const { exitCode, stdout, stderr } = await runPython(undefined, {
      args: ['-m', 'schemathesis.cli', 'run', `${ingest.url}/openapi.json`]
        .concat(['--checks', checks.join(','), '--max-time', String(seconds)])
        .concat(['--phases', 'examples,coverage,fuzzing', '--continue-on-failure']),
      cwd: folder,
      env: { COLUMNS: '120' },
      timeoutMs: (seconds + 60) * 1_000,
    })
    t.diagnostic(stdout.split('\n').slice(-12).join('\n'))
    // A head above 16 KiB is refused by the HTTP server itself, before there is a route.
    const failures = stdout.match(/^ *- ST\d+ /gm) ?? []
    const largeHeads = stdout.match(/Received: 431$/gm) ?? []
    const only431 = failures.length > 0 && failures.length === largeHeads.length
    assert.ok(exitCode === 0 || only431, `${stdout}\n${stderr}`)
  } finally {
    await ingest.stop()
  }
})
