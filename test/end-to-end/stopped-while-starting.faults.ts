import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { signalProcess } from '@kappa/processes/signal-process'
import { copyFlights } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { waitFor } from '../platform/wait.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-while-starting'
const timeoutMs = 120_000
let platform: Platform

before(async () => {
  const copy = copyFlights(join(testStack().stateFolder, `${namespace}-files`), namespace)
  platform = await Platform.start({ namespace, redisDatabase: 24, ...copy })
  await platform.untilLive('flights')
})
after(() => platform?.stop())

test('P2: replay is stopped while views are started again: the release keeps all of its views', async () => {
  const views = (await platform.releaseStatus('flights')).views.map(({ view }) => view)
  assert.equal(views.length, queriesStarted())
  signalProcess(platform.sparkPid('flights', 1), 'SIGKILL')
  await waitFor(
    'the first of the views being started again',
    async () => queriesStarted() > views.length || undefined,
    timeoutMs,
  )
  await platform.replay.stop()
  assert.ok(queriesStarted() < 2 * views.length, 'replay was stopped too late to tell')

  platform.replay = await platform.startService('replay', { log: 'replay-again.log' })
  await waitFor(
    'all views being started again',
    async () => queriesStarted() === views.length || undefined,
    timeoutMs,
  )
  const { views: now } = await platform.releaseStatus('flights')
  assert.deepEqual(now.map(({ view }) => view).sort(), views.toSorted())
})

/** Since this instance of replay has been there. */
function queriesStarted(): number {
  return platform.replay.log().split('a query was started').length - 1
}
