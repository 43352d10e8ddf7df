import type { Kafka, Producer } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { Logger } from '@kappa/service/logger'
import type { Registry } from '@kappa/service/metrics'
import type { PublishableVersions } from '../contracts/publishable-versions.ts'
import type { Publisher } from '../publishing/publisher.ts'
import type { Topics } from '../publishing/topics.ts'
import { FixPreparer } from './fix-preparer.ts'
import { unknownRejection } from './outcome.ts'
import { RejectedFollower } from './rejected-follower.ts'
import { RejectedLog } from './rejected-log.ts'
import { RejectedMetrics } from './rejected-metrics.ts'
import type { RejectedSettings } from './rejected-settings.ts'
import type { Rejection, RejectionSink } from './rejection.ts'
import { type RejectionEntry, stateOf } from './rejection-entry.ts'
import { RejectionIndex } from './rejection-index.ts'
import { boundedClient, describeRecord, type RejectionDescription } from './rejection-record.ts'
import { Resubmitter } from './resubmitter.ts'
import { StoredRecords } from './stored-records.ts'

export interface RejectedParts {
  readonly kafka: Kafka
  readonly settings: RejectedSettings
  readonly registry: Registry
  readonly logger: Logger
  readonly topics: Topics
  readonly versions: PublishableVersions
  readonly publisher: Pick<Publisher, 'publish'>
  readonly now: () => number
  readonly deliveryTimeoutMs: number
  readonly onKafkaUnavailable: (reason: string) => void
}

/** What is stored of one rejection. */
export interface StoredRejection {
  readonly about: RejectionDescription & { readonly type: 'rejected' }
  readonly payload: Buffer
  readonly history: readonly Exclude<RejectionDescription, { readonly type: 'rejected' }>[]
}

/** Everything that is done with rejected events. */
export class RejectedEvents {
  readonly settings: RejectedSettings
  readonly index: RejectionIndex
  readonly resubmitter: Resubmitter
  readonly #parts: RejectedParts
  readonly #producer: Producer
  readonly #log: RejectedLog
  readonly #stored: StoredRecords
  readonly #follower: RejectedFollower
  readonly #metrics: RejectedMetrics

  constructor(parts: RejectedParts) {
    const { kafka, settings, registry, logger, now } = parts
    this.#parts = parts
    const topics = new Set(Array.from(parts.topics, ({ contract }) => contract.topic))
    this.settings = settings
    this.index = new RejectionIndex(settings.entriesMax)
    this.#metrics = new RejectedMetrics(registry, topics, () => this.index)
    // Its own producer: many rejected events do not hold up those that are right.
    this.#producer = kafka.producer({
      queueBytesMax: settings.queueBytesMax,
      deliveryTimeoutMs: parts.deliveryTimeoutMs,
    })
    this.#log = new RejectedLog(this.#producer, settings, this.#metrics, parts.onKafkaUnavailable)
    this.#stored = new StoredRecords(kafka, settings.topic)
    this.#follower = new RejectedFollower({ kafka, settings, index: this.index, logger, now })
    this.resubmitter = new Resubmitter({
      publisher: parts.publisher,
      preparer: new FixPreparer({
        topics: parts.topics,
        versions: parts.versions,
        stored: this.#stored,
        fixedBytesMax: settings.fixedBytesMax,
      }),
      log: this.#log,
      index: this.index,
      follower: this.#follower,
      metrics: this.#metrics,
      logger,
      now,
      callsMax: settings.callsMax,
    })
  }

  start(): void {
    this.#follower.start()
  }

  async stop(): Promise<void> {
    await this.#follower.stop()
    await this.#producer.close()
  }

  /** Where the rejected events of a request go that says so; what is discarded is counted. */
  sinkFor(asked: 'keep' | 'discard' = 'keep'): RejectionSink {
    if (asked === 'keep') return this.#log
    return { keep: async (rejections) => this.#discard(rejections) }
  }

  /**
   * Resolves when the index has everything that was kept before this was called.
   * @throws ServiceError `rebuilding`, `kafka_unavailable`
   */
  caughtUp(): Promise<void> {
    return this.#follower.caughtUp()
  }

  /** @throws ServiceError `unknown_rejection`, `rebuilding`, `kafka_unavailable` */
  async get(id: string): Promise<RejectionEntry> {
    await this.caughtUp()
    const entry = this.index.get(id)
    if (entry === undefined) throw unknownRejection(id)
    return entry
  }

  /** @throws ServiceError `unknown_rejection`, `kafka_unavailable` */
  async read(entry: RejectionEntry): Promise<StoredRejection> {
    const { id, partition, offset } = entry
    const offsets = [offset, ...entry.changes]
    const places = offsets.map((each) => ({ id, partition, offset: each }))
    const [received, ...changes] = await this.#stored.read(places)
    const about = received === undefined ? undefined : describeRecord(received)
    if (about?.type !== 'rejected') throw unknownRejection(id)
    return {
      about,
      payload: received?.value ?? Buffer.alloc(0),
      history: changes.flatMap((record) => {
        const change = record === undefined ? undefined : describeRecord(record)
        return change === undefined || change.type === 'rejected' ? [] : [change]
      }),
    }
  }

  /**
   * Marks rejections as those for which nothing will be done. What is in the log stays there.
   * @returns those that are dismissed now; the others have been resubmitted meanwhile
   * @throws ServiceError `kafka_unavailable`, `outcome_unknown`: ask again
   */
  async dismiss(entries: readonly RejectionEntry[], client: string): Promise<RejectionEntry[]> {
    const at = this.#parts.now()
    const open = new Set(
      entries.filter((entry) => !['dismissed', 'resubmitted'].includes(stateOf(entry))),
    )
    await this.#log.append(
      Array.from(open, (entry) => ({
        entry,
        about: { format: 1, type: 'dismissed', at, client: boundedClient(client) },
      })),
      'The rejected events could not be dismissed for sure',
    )
    await this.caughtUp()
    const dismissed = entries.filter((entry) => stateOf(entry) === 'dismissed')
    for (const entry of dismissed) {
      if (open.has(entry)) this.#metrics.dismissed(entry.topic)
    }
    return dismissed
  }

  #discard(rejections: readonly Rejection[]): string[] {
    for (const { topic } of rejections) this.#metrics.discarded(topic)
    return []
  }
}

/** @throws ServiceError `already_resubmitted` */
export function checkDismissed(entry: RejectionEntry): void {
  if (entry.published === undefined) return
  throw new ServiceError(
    'already_resubmitted',
    `The event of "${entry.id}" is in the log already; there is nothing to dismiss.`,
    { details: { event: entry.published.event } },
  )
}
