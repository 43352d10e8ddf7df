import { runService } from '@kappa/service/lifecycle'
import { readIngestConfig } from './config.ts'
import { createIngest } from './service.ts'

await runService('ingest', async (signal) =>
  createIngest(readIngestConfig(process.env), { signal }),
)
