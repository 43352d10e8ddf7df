/**
 * Replay as `services/replay/main.ts` runs it, but for one thing: right before or after a side effect
 * it sends itself a signal. `KAPPA_TEST_SIGNAL_AT` is `<before|after> <side effect>`.
 */
import { readReplayConfig } from '@kappa/replay/config'
import { createReplay } from '@kappa/replay/service'
import { runService } from '@kappa/service/lifecycle'

const at = process.env.KAPPA_TEST_SIGNAL_AT
const signal = (process.env.KAPPA_TEST_SIGNAL ?? 'SIGKILL') as NodeJS.Signals

await runService('replay', async () =>
  createReplay(readReplayConfig(process.env), {
    onEffect(effect, when) {
      if (`${when} ${effect}` === at) process.kill(process.pid, signal)
    },
  }),
)
