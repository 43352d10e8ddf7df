import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { type IncomingRecord, KafkaError, type PartitionOffset } from '@kappa/kafka/port'
import { createLogger } from '@kappa/service/logger'
import { until } from '@kappa/test/until'
import { readIngestConfig } from '../config.ts'
import { RejectedFollower } from '../rejected/rejected-follower.ts'
import { RejectionIndex } from '../rejected/rejection-index.ts'
import { rejectionHeader } from '../rejected/rejection-record.ts'

/** One topic in memory that can be written to, cut and replaced, and be away. */
class FakeKafka {
  partitions: IncomingRecord[][] = [[], []]
  begins = [0n, 0n]
  failing: KafkaError | undefined
  reads = 0
  readonly admin = {
    beginOffsets: async () => this.#offsets(this.begins),
    endOffsets: async () => {
      if (this.failing) throw this.failing
      return this.#offsets(this.partitions.map((records) => BigInt(records.length)))
    },
  }

  add(partition: number, id: string, timestamp = Date.now()): void {
    const records = this.partitions[partition] as IncomingRecord[]
    const about = {
      format: 1,
      type: 'rejected',
      topic: 'flights',
      version: 1,
      error: { code: 'wrong_type', message: '', path: '$' },
      received_at: timestamp,
      client: 'test',
      import_disorder_ms: null,
      envelope: null,
      payload_bytes: 2,
      truncated: false,
    }
    records.push({
      topic: 'rejected',
      partition,
      offset: BigInt(records.length),
      timestamp,
      key: Buffer.from(id),
      value: Buffer.from('{}'),
      headers: { [rejectionHeader]: Buffer.from(JSON.stringify(about)) },
    })
  }

  async readAt(_topic: string, partition: number, offset: bigint, recordsMax: number) {
    this.reads++
    const records = this.partitions[partition] as IncomingRecord[]
    if (offset < (this.begins[partition] as bigint) || offset > BigInt(records.length)) {
      throw new KafkaError('offset_out_of_range', `offset ${offset}`)
    }
    return records.slice(Number(offset), Number(offset) + recordsMax)
  }

  #offsets(offsets: readonly bigint[]): PartitionOffset[] {
    return offsets.map((offset, partition) => ({ partition, offset }))
  }
}

let follower: RejectedFollower | undefined
afterEach(() => follower?.stop())

function follow(kafka: FakeKafka, entriesMax = 1_000) {
  const { rejected } = readIngestConfig({
    KAPPA_KAFKA_BROKERS: 'unused:1',
    KAPPA_SCHEMAS_FOLDER: 'unused',
    KAPPA_INGEST_REJECTED_ENTRIES_MAX: String(entriesMax),
    KAPPA_INGEST_REJECTED_POLL_INTERVAL_MS: '50',
  })
  const index = new RejectionIndex(entriesMax)
  const logger = createLogger('test', 'silent')
  const started = new RejectedFollower({ kafka, settings: rejected, index, logger, now: Date.now })
  follower = started
  const codeOf = () =>
    started.caughtUp().then(
      () => 'ready',
      ({ code }: { code: string }) => code,
    )
  const ids = () => Array.from(index, ({ id }) => id).toSorted()
  return { started, index, codeOf, ids, ready: () => until(codeOf, (code) => code === 'ready') }
}

test('nothing is answered before the topic was read to its end; then everything that was there is known', async () => {
  const kafka = new FakeKafka()
  for (let n = 0; n < 600; n++) kafka.add(n % 2, `id-${n}`)
  const { started, codeOf, ready, ids } = follow(kafka)
  assert.equal(await codeOf(), 'rebuilding')
  started.start()
  await ready()
  assert.equal(ids().length, 600)
  kafka.add(1, 'id-new')
  await started.caughtUp()
  assert.ok(ids().includes('id-new'), 'known without waiting for the next look')
})

test('while Kafka is away it says so, and goes on afterwards', async () => {
  const kafka = new FakeKafka()
  const { started, codeOf, ready, ids } = follow(kafka)
  started.start()
  await ready()
  kafka.failing = new KafkaError('unavailable', 'no broker')
  assert.equal(await codeOf(), 'kafka_unavailable')
  kafka.failing = undefined
  kafka.add(0, 'later')
  await ready()
  assert.deepEqual(ids(), ['later'])
})

test('what retention deleted before it was read is passed over', async () => {
  const kafka = new FakeKafka()
  kafka.add(0, 'read')
  const { started, ready, ids } = follow(kafka)
  started.start()
  await ready()
  kafka.failing = new KafkaError('unavailable', 'no broker')
  for (const id of ['deleted 1', 'deleted 2', 'kept']) kafka.add(0, id)
  kafka.begins[0] = 3n
  kafka.failing = undefined
  await ready()
  assert.ok(ids().includes('kept') && !ids().includes('deleted 1'))
})

test('a topic that was deleted and made again is read anew', async () => {
  const kafka = new FakeKafka()
  for (let n = 0; n < 5; n++) kafka.add(0, `old-${n}`)
  const { started, ready, ids } = follow(kafka)
  started.start()
  await ready()
  kafka.partitions = [[], []]
  kafka.add(0, 'new')
  await until(
    async () => ids(),
    (known) => known.join() === 'new',
  )
  await ready()
})

test('of a long topic only as much is read as can be listed, and it is said since when that is', async () => {
  const kafka = new FakeKafka()
  const since = Date.now() - 1_000_000
  for (let n = 0; n < 5_000; n++) kafka.add(0, `id-${n}`, since + n)
  const { started, ready, ids, index } = follow(kafka, 100)
  started.start()
  await ready()
  assert.equal(ids().length, 100)
  assert.equal(index.completeSinceMs, since + 4_900)
  assert.equal(kafka.reads, 1)
})

test('what is older than the retention is not known', async () => {
  const kafka = new FakeKafka()
  const day = 86_400_000
  kafka.add(0, 'old', Date.now() - 31 * day)
  kafka.add(0, 'young', Date.now() - 29 * day)
  const { started, ready, ids } = follow(kafka)
  started.start()
  await ready()
  await until(
    async () => {
      await started.caughtUp()
      return ids()
    },
    (known) => known.join() === 'young',
  )
})
