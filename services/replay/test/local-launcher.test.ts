import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testStack } from '@kappa/test/stack'
import { ClusterError } from '../launchers/launcher.ts'
import { LocalLauncher } from '../launchers/local/local-launcher.ts'

test('a Spark that runs out of memory is gone, and says what to do', async () => {
  const { java, sparkJarsFolder, stateFolder } = testStack()
  const workFolder = join(stateFolder, 'local-launcher')
  const launcher = new LocalLauncher({
    java,
    jarsFolder: sparkJarsFolder,
    workFolder,
    stopTimeoutMs: 10_000,
  })
  await launcher.takeOver(1)
  const spec = {
    application: 'shop',
    release: 1,
    cores: 1,
    executors: 1,
    memory: '24m',
    sparkConf: {},
  }
  await assert.rejects(
    launcher.start(spec, { timeoutMs: 120_000, signal: new AbortController().signal }),
    (error: Error) => {
      assert.ok(error instanceof ClusterError)
      assert.match(error.message, /ran out of its heap of 24m: give it more, with spark\.memory/)
      return true
    },
  )
  assert.deepEqual(
    readdirSync(join(workFolder, 'shop-1')).filter((name) => name.endsWith('.pid')),
    [],
  )
})
