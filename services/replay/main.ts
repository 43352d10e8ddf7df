import { runService } from '@kappa/service/lifecycle'
import { readReplayConfig } from './config.ts'
import { startReplay } from './leadership/start-replay.ts'

await runService('replay', async (signal) => startReplay(readReplayConfig(process.env), signal))
