import { runService } from '@kappa/service/lifecycle'
import { readIngestConfig } from './config.ts'
import { createIngest } from './service.ts'

await runService('ingest', async () => createIngest(readIngestConfig(process.env)))
