import { runService } from '@kappa/service/lifecycle'
import { readResultsConfig } from './config.ts'
import { createResults } from './service.ts'

await runService('results', async (signal) =>
  createResults(readResultsConfig(process.env), { signal }),
)
