import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLogger } from '@kappa/service/logger'
import { testStack } from '@kappa/test/stack'
import type { Cluster } from '../../launchers/launcher.ts'
import { StaticLauncher } from '../../launchers/static/static-launcher.ts'
import { launcherConformance } from './conformance.ts'
import { SparkSlot } from './spark-slot.ts'
import { boundsOfTests, staticRig } from './static-rig.ts'

// With a master, a worker and executors a slot it is the same in what replay relies on, and slower.
launcherConformance('static, executors in workers', () => staticRig('in a worker'))

test('a Spark that its master has taken the application from is given up, though its process answers', async () => {
  const slot = await SparkSlot.start({
    folder: join(testStack().stateFolder, 'static-stopped'),
    name: 'stopped',
    executors: 'in a worker',
    properties: {},
    systemProperties: {},
  })
  try {
    const launcher = new StaticLauncher(
      { slots: [slot.settings], ...boundsOfTests },
      createLogger('static-workers-test', 'fatal'),
    )
    await launcher.takeOver(1)
    const cluster = await start(launcher)
    const [before] = slot.processes()
    await slot.takeApplicationAway()
    assert.match(await cluster.gone, /slot stopped .* has stopped, though its process answers/)
    await cluster.stop()
    assert.ok(!slot.processes().some(({ pid }) => pid === before?.pid))
    const next = await start(launcher)
    await next.stop()
  } finally {
    await slot.stop()
  }
})

function start(launcher: StaticLauncher): Promise<Cluster> {
  const size = { cores: 1, memory: '512m', executors: 1 }
  const spec = { application: 'shop', release: 1, ...size, sparkConf: {} }
  return launcher.start(spec, { timeoutMs: 120_000, signal: new AbortController().signal })
}
