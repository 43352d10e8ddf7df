/**
 * Replay as `services/replay/main.ts` runs it, but for one thing: right before or after a side effect
 * it sends itself a signal.
 *
 * - `KAPPA_TEST_SIGNAL_AT`: `<before|after> <side effect>`, or `<before|after> <side effect> <n>` for
 *   the n-th time that it comes to it, 1 when left out;
 * - `KAPPA_TEST_SIGNAL_RELEASE`: side effects of this release count, of whatever application;
 * - `KAPPA_TEST_SIGNAL`: for example `SIGSTOP`.
 */
import { readReplayConfig } from '@kappa/replay/config'
import { createReplay } from '@kappa/replay/service'
import { runService } from '@kappa/service/lifecycle'

const {
  KAPPA_TEST_SIGNAL_AT: at = '',
  KAPPA_TEST_SIGNAL_RELEASE: signalled,
  KAPPA_TEST_SIGNAL: signal = 'SIGKILL',
} = process.env
const [, point = at, time = '1'] = /^(.+) (\d+)$/.exec(at) ?? []
let times = 0
/** A test must know where it listens before it is struck. */
const listening = Promise.withResolvers<void>()

await runService('replay', async () => {
  const service = await createReplay(readReplayConfig(process.env), {
    async onEffect(effect, when, { release }) {
      if (`${when} ${effect}` !== point || String(release) !== signalled) return
      times += 1
      if (times !== Number(time)) return
      await listening.promise
      process.kill(process.pid, signal as NodeJS.Signals)
    },
  })
  setTimeout(listening.resolve, 1_000)
  return service
})
