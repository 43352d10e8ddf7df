import type { IngestConfig } from './config.ts'
import type { IngestMetrics } from './ingest-metrics.ts'
import type { InFlight } from './publishing/in-flight.ts'
import type { Publisher } from './publishing/publisher.ts'
import type { Topics } from './publishing/topics.ts'

/** What the routes work with. */
export interface IngestContext {
  readonly config: IngestConfig
  readonly topics: Topics
  readonly inFlight: InFlight
  readonly publisher: Publisher
  readonly metrics: IngestMetrics
}
