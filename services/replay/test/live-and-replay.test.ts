import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import fc from 'fast-check'
import { checkpointPrefix, readCommittedBatch } from '../views/checkpoint.ts'
import { chooseMode } from '../views/choose-mode.ts'
import type { ViewIdentity } from '../views/view-position.ts'
import type { ViewQueries } from '../views/view-queries.ts'
import { encodeEvent, sourceOf } from './event-log.ts'
import { type ViewName, views } from './folds.ts'
import { QueryRig } from './query-rig.ts'
import { type LoggedEvent, type RandomLog, randomLogs } from './random-logs.ts'

const runs = 3
const eventsMin = 40
const timeoutMs = 120_000
const startsMax = 50
const viewNames = ['counts', 'latest'] as const satisfies readonly ViewName[]

let rig: QueryRig
before(async () => {
  rig = await QueryRig.start('live-and-replay', 1)
})
after(() => rig?.stop())

interface Sent extends LoggedEvent {
  readonly partition: number
  readonly id: string
  readonly k: string
  readonly n: number
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const cases = fc.record({
  log: randomLogs.filter(({ partitions }) => eventsOf(partitions) >= eventsMin),
  /** Of the log: what is there each time the live queries are started. */
  cuts: fc.array(fraction, { minLength: 1, maxLength: 3 }),
  batchShare: fc.constantFrom(0.1, 0.3, 0.9),
  /** By start of a replay's query: whether it is stopped in the middle. */
  stops: fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
  stateStore: fc.constantFrom('rocksdb' as const, 'memory' as const),
  duplicates: fc.array(fraction, { maxLength: 30 }),
})

test('P2: whatever the log, the batches and the restarts, live and replayed rows are those of the oracle', async () => {
  let number = 0
  await fc.assert(
    fc.asyncProperty(cases, async ({ log, cuts, batchShare, stops, stateStore, duplicates }) => {
      number += 1
      const topic = `${rig.application}.log.${number}`
      const source = { ...sourceOf('readings', topic), ...lateness(log) }
      const events = inOrder(log, duplicates)
      await rig.kafka.admin.createTopics([{ topic, partitions: log.partitions.length }], timeoutMs)
      const live = await runLive(source, events, cuts, number * 2 - 1)
      const eventsPerBatchMax = Math.ceil(events.length * batchShare)
      const how = { eventsPerBatchMax, stops, stateStore }
      const replayed = await runReplay(source, how, number * 2)
      for (const [index, name] of viewNames.entries()) {
        const expected = fold(name, events, topic)
        assert.deepEqual(await rows(live, index), expected, `live ${name}`)
        assert.deepEqual(await rows(replayed, index), expected, `replayed ${name}`)
      }
    }),
    { numRuns: runs, endOnFailure: true },
  )
})

/** Each part of the log arrives while nothing runs; then the queries go on from their checkpoints. */
async function runLive(
  source: StreamSource,
  events: readonly Sent[],
  cuts: readonly number[],
  release: number,
): Promise<ViewIdentity[]> {
  const session = await rig.openSession('rocksdb')
  const queries = rig.queriesOver(session, { readings: source })
  const identities = await identitiesOf(release)
  const ends = [...cuts, 1].map((part) => Math.ceil(part * events.length)).sort((a, b) => a - b)
  let sent = 0
  for (const end of ends) {
    await append(source.topic, events.slice(sent, end))
    sent = end
    await Promise.all(
      identities.map(async (identity) => {
        const { query } = await queries.start(identity, { kind: 'continuous' })
        await query.processAllAvailable({ timeoutMs })
        assert.equal(await dropped(query), 0)
        await query.stop()
      }),
    )
  }
  session.detach()
  return identities
}

interface ReplayWay {
  readonly eventsPerBatchMax: number
  readonly stops: readonly boolean[]
  readonly stateStore: 'rocksdb' | 'memory'
}

/** As a release catches up: in bounded batches, started again until little is unread. */
async function runReplay(
  source: StreamSource,
  { eventsPerBatchMax, stops, stateStore }: ReplayWay,
  release: number,
): Promise<ViewIdentity[]> {
  const session = await rig.openSession(stateStore)
  const queries = rig.queriesOver(session, { readings: source })
  const identities = await identitiesOf(release)
  for (const identity of identities) {
    await catchUp(queries, source, identity, { eventsPerBatchMax, stops })
  }
  session.detach()
  return identities
}

async function catchUp(
  queries: ViewQueries,
  source: StreamSource,
  identity: ViewIdentity,
  { eventsPerBatchMax, stops }: Omit<ReplayWay, 'stateStore'>,
): Promise<void> {
  for (let start = 0; start < startsMax; start++) {
    const { mode } = await chooseMode(
      rig.kafka,
      { sources: { readings: source } },
      await positionOf(identity),
      { eventsPerBatchMax, samplesMax: 16, freshnessMsMax: 0, moreSlackMs: 0 },
    )
    const { query } = await queries.start(identity, mode)
    const isStopped = start < 3 && stops[start % stops.length] === true
    if (mode.kind === 'continuous') {
      await query.processAllAvailable({ timeoutMs })
      assert.equal(await dropped(query), 0)
      await query.stop()
      return
    }
    if (isStopped) await stopInBetween(query)
    else assert.equal(await query.awaitTermination(timeoutMs), true)
    assert.equal(await dropped(query), 0)
  }
  throw new Error(`It has not caught up after ${startsMax} starts.`)
}

/** After its first batch, wherever it is then. */
async function stopInBetween(query: StreamingQuery): Promise<void> {
  while ((await query.lastProgress()) === undefined && !(await query.awaitTermination(50))) {
    await delay(20)
  }
  await query.stop()
}

async function positionOf({ application, release, name }: ViewIdentity): Promise<OffsetsByTopic> {
  return (await readCommittedBatch(rig.store, checkpointPrefix(application, release, name))).sources
}

async function dropped(query: StreamingQuery): Promise<number> {
  const batches = await query.recentProgress()
  return batches
    .flatMap(({ stateOperators }) => stateOperators)
    .reduce((sum, { rowsDroppedByWatermark }) => sum + rowsDroppedByWatermark, 0)
}

function identitiesOf(release: number): Promise<ViewIdentity[]> {
  return Promise.all(viewNames.map((name) => rig.view(name, release)))
}

function rows(identities: readonly ViewIdentity[], index: number) {
  return rig.rows(identities[index] as ViewIdentity)
}

function eventsOf(partitions: RandomLog['partitions']): number {
  return partitions.reduce((sum, { records }) => sum + records.length, 0)
}

function lateness({ source }: RandomLog) {
  const { latenessMs, earlinessMs, importDisorderMaxMs } = source
  return { latenessMs, earlinessMs, importDisorderMaxMs }
}

/** As they were written, some of them twice, as by a producer that got no answer. */
function inOrder({ partitions }: RandomLog, duplicates: readonly number[]): Sent[] {
  const events = partitions
    .flatMap(({ records }, partition) => records.map((record) => ({ ...record, partition })))
    .sort((a, b) => a.sequence - b.sequence)
  const twice = new Set(duplicates.map((part) => Math.floor(part * (events.length - 1))))
  return events.flatMap((event, index) => {
    const sent = { ...event, id: `${index}`, k: 'abcde'[index % 5] ?? '', n: index }
    return twice.has(index) ? [sent, sent] : [sent]
  })
}

async function append(topic: string, events: readonly Sent[]): Promise<void> {
  const producer = rig.kafka.producer()
  try {
    const records = events.map(({ id, k, n, eventTimeMs, acceptedMs, partition, headers }) => ({
      key: Buffer.from(k),
      value: encodeEvent({ id, k, n, at: eventTimeMs }),
      // Kafka itself gives the time of records that have none, which is that of this run.
      headers: {
        'kappa-id': id,
        ...(headers['kappa-import'] === undefined ? { 'kappa-accepted': `${acceptedMs}` } : {}),
        ...headers,
      },
      partition,
    }))
    if (records.length > 0) await producer.send(topic, records)
  } finally {
    await producer.close()
  }
}

/** What counts, once. */
function fold(name: ViewName, events: readonly Sent[], topic: string) {
  const counted = new Map(events.filter(({ counts }) => counts).map((event) => [event.id, event]))
  const readings = [...counted.values()].map((event) => ({
    ...event,
    at: event.eventTimeMs,
    topic,
  }))
  return views[name].fold(readings, [])
}
