import type { IngestConfig } from './config.ts'
import type { PublishableVersions } from './contracts/publishable-versions.ts'
import type { IngestMetrics } from './ingest-metrics.ts'
import type { FairTurns } from './publishing/fair-turns.ts'
import type { InFlight } from './publishing/in-flight.ts'
import type { Publisher } from './publishing/publisher.ts'
import type { Topics } from './publishing/topics.ts'
import type { RejectedEvents } from './rejected/rejected-events.ts'

/** What the routes work with. */
export interface IngestContext {
  readonly config: IngestConfig
  readonly topics: Topics
  readonly versions: PublishableVersions
  readonly inFlight: InFlight
  readonly turns: FairTurns
  readonly publisher: Publisher
  readonly rejected: RejectedEvents
  readonly metrics: IngestMetrics
}
