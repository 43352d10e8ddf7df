/**
 * `node applications/flights/sample/main.ts`: publishes the flights of January 2013 through ingest at
 * KAPPA_INGEST_URL. Done again, it changes nothing.
 */
import { publishBatch, sampleBatches } from './publish.ts'

const ingestUrl = process.env.KAPPA_INGEST_URL ?? 'http://127.0.0.1:4001'

try {
  let events = 0
  for (const batch of await sampleBatches()) {
    await publishBatch(ingestUrl, batch, { mayBeKnown: true })
    events += batch.lines.length
  }
  console.log(`Published ${events} departures and arrivals.`)
} catch (error) {
  const { message, cause } = error as Error
  console.error(cause instanceof Error ? `${ingestUrl}: ${cause.message}` : message)
  process.exitCode = 1
}
