import { runService } from '@kappa/service/lifecycle'
import { readReplayConfig } from './config.ts'
import { createReplay } from './service.ts'

await runService('replay', async () => createReplay(readReplayConfig(process.env)))
