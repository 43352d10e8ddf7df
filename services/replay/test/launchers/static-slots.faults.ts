import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createLogger, type Logger } from '@kappa/service/logger'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { type Cluster, ClusterError, type ClusterSpec } from '../../launchers/launcher.ts'
import { StaticLauncher } from '../../launchers/static/static-launcher.ts'
import type { SlotSettings } from '../../launchers/static/static-settings.ts'
import { SparkSlot } from './spark-slot.ts'
import { boundsOfTests } from './static-rig.ts'

const START_TIMEOUT_MS = 120_000
const warnings: string[] = []
const logger = createLogger('static-slots-test', 'fatal')
logger.warn = ((text: string) => warnings.push(text)) as Logger['warn']

let slot: SparkSlot
let epoch = 0

before(async () => {
  slot = await SparkSlot.start({
    folder: join(testStack().stateFolder, 'static-slots'),
    name: 'only',
    executors: 'in the driver',
    properties: {},
    systemProperties: {},
  })
})
after(() => slot?.stop())

async function launcherOf(
  settings: SlotSettings,
  bounds: Partial<typeof boundsOfTests> = {},
): Promise<StaticLauncher> {
  const launcher = new StaticLauncher({ slots: [settings], ...boundsOfTests, ...bounds }, logger)
  epoch += 1
  await launcher.takeOver(epoch)
  return launcher
}

function start(
  launcher: StaticLauncher,
  release: number,
  over: Partial<ClusterSpec> = {},
  timeoutMs = START_TIMEOUT_MS,
): Promise<Cluster> {
  const size = { cores: 2, memory: '512m', executors: 1 }
  const spec = { application: 'shop', release, ...size, sparkConf: {}, ...over }
  return launcher.start(spec, { timeoutMs, signal: new AbortController().signal })
}

function refused(words: RegExp) {
  return (error: Error) => {
    assert.ok(error instanceof ClusterError, String(error.stack))
    assert.match(error.message, words)
    return true
  }
}

test('a release that a slot cannot run is refused, with what is missing; one that asks for more gets a warning', async () => {
  const launcher = await launcherOf(slot.settings)
  await assert.rejects(
    start(launcher, 1, { secretFiles: { 'kafka.pem': 'a secret' } }),
    refused(/set KAPPA_STATIC_SECRETS_FOLDER to a folder/),
  )
  await assert.rejects(
    start(launcher, 1, {
      sparkConf: { 'spark.connect.session.manager.defaultSessionTimeout': '-1' },
      systemProperties: { 'token.urls': 'https://tokens' },
    }),
    refused(
      /slot only .* not started with .*defaultSessionTimeout -1 \(it is 3600000ms\); -Dtoken\.urls=https:\/\/tokens for the JVM of the driver; -Dtoken\.urls=https:\/\/tokens in spark\.executor/,
    ),
  )
  const cluster = await start(launcher, 1, { executors: 2 })
  assert.deepEqual(warnings, [
    'shop-1 asks for 2 executors with 2 cores and 512m each; slot only, where it runs, has 2 cores and 512m in all.',
  ])
  await assert.rejects(
    start(launcher, 2),
    refused(/All 1 slots .*: only by shop-1\. Retire a release, or add a slot/),
  )
  await cluster.stop()
})

test('P2: nothing is started while nobody knows whether something of before still runs', async () => {
  const wrong = await launcherOf({ ...slot.settings, token: 'another' }, { restartTimeoutMs: 100 })
  await assert.rejects(start(wrong, 1), refused(/slot only .* refuses the token in its tokenFile/))

  const launcher = await launcherOf(slot.settings, {
    requestTimeoutMs: 3_000,
    silentMsMax: 3_000,
    restartTimeoutMs: 3_000,
  })
  const cluster = await until(
    () => start(launcher, 1).catch(() => undefined),
    (started) => started !== undefined,
    START_TIMEOUT_MS,
  )
  const [before] = slot.processes()
  slot.signalDriver('SIGSTOP')
  assert.match((await cluster?.gone) ?? '', /slot only .* has not answered for 3000 ms/)
  await assert.rejects(async () => cluster?.stop(), refused(/slot only .* does not end/))
  await assert.rejects(start(launcher, 1), refused(/slot only .* nobody knows what runs there/))
  assert.deepEqual(slot.processes(), [before])

  slot.signalDriver('SIGCONT')
  const next = await until(
    () => start(launcher, 1).catch(() => undefined),
    (started) => started !== undefined,
    START_TIMEOUT_MS,
  )
  assert.ok(!slot.processes().some(({ pid }) => pid === before?.pid))
  await next?.stop()
})
