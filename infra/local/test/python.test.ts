import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { askPython, runPython } from '@kappa/test/python'

const versions = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'versions.json'), 'utf8'),
)

test("the tests' Python packages are those of versions.json and can be imported", async () => {
  assert.deepEqual(await askPython('versions', {}), {
    'confluent-kafka': versions.confluentKafka,
    fastavro: versions.fastavro,
    'kubernetes-validate': versions.kubernetesValidate,
    schemathesis: versions.schemathesis,
  })
})

test('a script that hangs is killed; one that fails gives its exit code and its output', async () => {
  const hanging = await runPython(undefined, {
    args: ['-c', 'import time; time.sleep(60)'],
    timeoutMs: 500,
  })
  assert.equal(hanging.exitCode, null)
  const failing = await runPython(undefined, {
    args: ['-c', 'import sys; print("out"); sys.exit("err")'],
  })
  assert.deepEqual(failing, { exitCode: 1, stdout: 'out\n', stderr: 'err\n' })
})
