import { randomUUID } from 'node:crypto'
import { ControlRecordError } from '@kappa/applications/control-records'
import type { TopicNames } from '@kappa/applications/records'
import type { Consumer, IncomingRecord, Kafka } from '@kappa/kafka/port'
import type { Logger } from '@kappa/service/logger'
import type { ResultsMetrics } from '../results-metrics.ts'
import type { ControlState } from './control-state.ts'

const WAIT_FOR_TOPIC_MS = 250

export interface FollowerParts {
  readonly kafka: Kafka
  readonly control: ControlState
  readonly topics: TopicNames
  readonly metrics: ResultsMetrics
  readonly logger: Logger
  /** Called when releases or the live pointer may have changed. */
  readonly onReleases: () => void
}

/** Reads the control topics from the beginning, then follows them. */
export class ControlFollower {
  readonly #parts: FollowerParts
  readonly #groupId: string
  #consumer: Consumer | undefined
  #closed = false
  #waitsFor: string | undefined = 'the control topics are being read'

  constructor(parts: FollowerParts) {
    this.#parts = parts
    this.#groupId = `${parts.topics.releases}-reader-${randomUUID()}`
  }

  /** Why the control state is not complete; undefined once it was read to the end. */
  get waitsFor(): string | undefined {
    return this.#waitsFor
  }

  /** Resolves when closed, rejects when following ends in an error. */
  async run(): Promise<void> {
    const { kafka, control, topics, onReleases } = this.#parts
    await this.#waitForTopics()
    if (this.#closed) return
    const starts = new Map<string, bigint>()
    for (const topic of [topics.releases, topics.positions]) {
      for await (const record of kafka.readToEnd(topic)) {
        this.#take(record)
        starts.set(topic, record.offset + 1n)
      }
    }
    control.keepNewestPositions()
    this.#waitsFor = undefined
    onReleases()
    if (this.#closed) return
    this.#consumer = await kafka.consumer({
      groupId: this.#groupId,
      topics: [topics.releases, topics.positions],
      from: 'beginning',
      commit: false,
      maxWaitMs: 1_000,
      startAt: async (topic) => starts.get(topic),
      onBatch: async ({ topic, records }) => {
        for (const record of records) this.#take(record)
        const last = records.at(-1)
        if (last) starts.set(topic, last.offset + 1n)
        if (topic === topics.releases) onReleases()
        return undefined
      },
    })
    if (this.#closed) await this.#consumer.close()
    await this.#consumer.finished
  }

  async close(): Promise<void> {
    this.#closed = true
    if (!this.#consumer) return
    await this.#consumer.close()
    // Kafka forgets a group without members and offsets by itself; this is only sooner.
    await this.#parts.kafka.admin.deleteGroup(this.#groupId).catch((error: unknown) => {
      this.#parts.logger.info({ err: error, group: this.#groupId }, 'the group was left as it is')
    })
  }

  async #waitForTopics(): Promise<void> {
    const { topics, kafka } = this.#parts
    const { admin } = kafka
    for (const topic of [topics.releases, topics.positions]) {
      while (!this.#closed && (await admin.partitionCount(topic)) === undefined) {
        this.#waitsFor = `the topic ${topic} does not exist yet; replay creates it`
        await new Promise((resolve) => setTimeout(resolve, WAIT_FOR_TOPIC_MS))
      }
    }
  }

  #take(record: IncomingRecord): void {
    const { control, topics, metrics, logger } = this.#parts
    const key = record.key?.toString('utf8') ?? ''
    try {
      if (record.topic === topics.releases) control.takeRelease(key, record.value)
      else if (!control.takePosition(key, record.value)) metrics.refusedPositions.inc()
    } catch (error) {
      if (!(error instanceof ControlRecordError)) throw error
      // One that cannot be read must not take down what the others describe.
      metrics.unusableControlRecords.inc()
      logger.error({ err: error, offset: String(record.offset) }, 'unusable control record')
    }
  }
}
