import { parsePositionRecord, parseReleaseRecord } from '@kappa/applications/control-records'
import {
  type LivePointer,
  livePointerKey,
  type PositionRecord,
  positionKey,
  type ReleaseRecord,
  releaseKey,
  type TopicNames,
} from '@kappa/applications/records'
import type { IncomingRecord, Kafka, TransactionalProducer } from '@kappa/kafka/port'

const compacted = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.1' }

/**
 * The truth about releases and positions: two compacted topics, written by one transactional
 * producer with a fixed id. Opening it fences every earlier holder; then everything is read to the
 * end, and only then may anything be done. Each opening has an epoch above all before it.
 */
export class ControlLog {
  readonly epoch: number
  readonly releases: ReadonlyMap<string, ReleaseRecord>
  readonly positions: ReadonlyMap<string, PositionRecord>
  readonly #releases: Map<string, ReleaseRecord>
  readonly #pointers: Map<string, LivePointer>
  readonly #positions: Map<string, PositionRecord>
  readonly #producer: TransactionalProducer
  readonly #topics: TopicNames

  private constructor(state: ReadState, producer: TransactionalProducer, topics: TopicNames) {
    this.#topics = topics
    this.#releases = state.releases
    this.#pointers = state.pointers
    this.#positions = state.positions
    this.releases = this.#releases
    this.positions = this.#positions
    this.#producer = producer
    const epochs = [
      ...state.releases.values(),
      ...state.pointers.values(),
      ...state.positions.values(),
    ]
    this.epoch = Math.max(0, ...epochs.map(({ epoch }) => epoch)) + 1
  }

  /**
   * @throws ControlRecordError for a record that is not what it has to be: another version of Kappa
   *   wrote it, or somebody else.
   */
  static async open(
    kafka: Kafka,
    topics: TopicNames,
    options: { replicationFactor: number; timeoutMs: number },
  ): Promise<ControlLog> {
    const specs = [topics.releases, topics.positions].map((topic) => ({
      topic,
      partitions: 1,
      replicationFactor: options.replicationFactor,
      config: compacted,
    }))
    await kafka.admin.createTopics(specs, options.timeoutMs)
    const producer = await kafka.transactionalProducer(`${topics.releases}-writer`)
    const control = new ControlLog(await readState(kafka, topics), producer, topics)
    await control.#claim()
    return control
  }

  /**
   * Leaves this opening's epoch in the log, on a release as it is: one that writes nothing more would
   * else share it with the next, and launchers and Redis could not tell the two apart.
   */
  async #claim(): Promise<void> {
    const [record] = this.#releases.values()
    if (record) await this.writeReleases([{ ...record, epoch: this.epoch }])
  }

  livePointer(application: string): LivePointer | undefined {
    return this.#pointers.get(application)
  }

  /**
   * Writes releases and, with them, which of them readers get: all or nothing.
   * @throws KafkaError `fenced` when another instance has taken over.
   */
  async writeReleases(records: readonly ReleaseRecord[], live?: LivePointer): Promise<void> {
    const keyed = records.map((record) => ({
      key: releaseKey(record.application, record.release),
      record,
    }))
    await this.#producer.commit([
      ...keyed.map(({ key, record }) => toRecord(this.#topics.releases, key, record)),
      ...(live ? [toRecord(this.#topics.releases, livePointerKey(live.application), live)] : []),
    ])
    for (const { key, record } of keyed) this.#releases.set(key, record)
    if (live) this.#pointers.set(live.application, live)
  }

  /**
   * Above every pointer's that was ever written: what it marks is newer for every reader. It fences
   * side effects in Redis as well: an instance that takes over begins above what this one knows.
   */
  nextPointerEpoch(): number {
    return Math.max(this.epoch, ...[...this.#pointers.values()].map(({ epoch }) => epoch)) + 1
  }

  /** @throws KafkaError `fenced` when another instance has taken over. */
  async removePositions(application: string, release: number): Promise<void> {
    const keys = [...this.#positions]
      .filter(([, record]) => record.application === application && record.release === release)
      .map(([key]) => key)
    if (keys.length === 0) return
    const { positions } = this.#topics
    await this.#producer.commit(
      keys.map((key) => ({ topic: positions, key: Buffer.from(key), value: null })),
    )
    for (const key of keys) this.#positions.delete(key)
  }

  /** @throws KafkaError `fenced` when another instance has taken over. */
  async writePositions(records: readonly PositionRecord[]): Promise<void> {
    if (records.length === 0) return
    const keyed = records.map((record) => ({
      key: positionKey(record.application, record.release, record.view),
      record,
    }))
    await this.#producer.commit(
      keyed.map(({ key, record }) => toRecord(this.#topics.positions, key, record)),
    )
    for (const { key, record } of keyed) this.#positions.set(key, record)
  }

  async close(): Promise<void> {
    await this.#producer.close()
  }
}

interface ReadState {
  readonly releases: Map<string, ReleaseRecord>
  readonly pointers: Map<string, LivePointer>
  readonly positions: Map<string, PositionRecord>
}

/** @throws ControlRecordError: nothing may be done on releases that are only half known. */
async function readState(kafka: Kafka, topics: TopicNames): Promise<ReadState> {
  const state: ReadState = { releases: new Map(), pointers: new Map(), positions: new Map() }
  for await (const record of kafka.readToEnd(topics.releases)) {
    const key = keyOf(record)
    if (record.value === null) {
      state.releases.delete(key)
      if (key.endsWith('/live')) state.pointers.delete(key.slice(0, -'/live'.length))
      continue
    }
    const parsed = parseReleaseRecord(key, record.value)
    if ('live' in parsed) state.pointers.set(parsed.live.application, parsed.live)
    else state.releases.set(key, parsed.release)
  }
  for await (const record of kafka.readToEnd(topics.positions)) {
    const key = keyOf(record)
    if (record.value === null) state.positions.delete(key)
    else state.positions.set(key, parsePositionRecord(key, record.value))
  }
  return state
}

function keyOf(record: IncomingRecord): string {
  return record.key?.toString('utf8') ?? ''
}

function toRecord(topic: string, key: string, value: object) {
  return { topic, key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)) }
}
