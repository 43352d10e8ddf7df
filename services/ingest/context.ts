import type { IngestConfig } from './config.ts'
import type { InFlight } from './in-flight.ts'
import type { IngestMetrics } from './ingest-metrics.ts'
import type { Publisher } from './publisher.ts'
import type { Topics } from './topics.ts'

/** What the routes work with. */
export interface IngestContext {
  readonly config: IngestConfig
  readonly topics: Topics
  readonly inFlight: InFlight
  readonly publisher: Publisher
  readonly metrics: IngestMetrics
}
