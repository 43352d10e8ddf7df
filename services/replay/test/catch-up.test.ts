import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { StreamingQueryProgress } from '@kappa/spark-connect/progress'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import { until } from '@kappa/test/until'
import { slackNeededMs } from '../views/slack-needed.ts'
import type { ViewIdentity } from '../views/view-position.ts'
import type { TestEvent } from './event-log.ts'
import { QueryRig } from './query-rig.ts'

const BEGIN = Date.parse('2013-01-01T00:00:00Z')
const HOUR_MS = 3_600_000
const EVENTS_PER_PARTITION = 600
const EVENTS_PER_BATCH = 120
const RUN_TIMEOUT_MS = 120_000

let rig: QueryRig
/** What the run without slack said would have been enough. */
let slackMs = 0

before(async () => {
  rig = await QueryRig.start('catch-up', 2)
  // The second partition begins five hours later and is read as fast: it is ahead until the end.
  await append(0, { from: 0, to: 10 })
  await append(1, { from: 5, to: 10 })
})
after(() => rig?.stop())

async function append(partition: number, hours: { from: number; to: number }): Promise<void> {
  const stepMs = ((hours.to - hours.from) * HOUR_MS) / EVENTS_PER_PARTITION
  const events = Array.from({ length: EVENTS_PER_PARTITION }, (_, index): TestEvent => {
    const at = BEGIN + hours.from * HOUR_MS + index * stepMs
    return { id: `${partition}/${at}`, at, k: 'abc'[index % 3] ?? '', n: index }
  })
  await rig.log.append(rig.topics.readings, partition, events)
}

async function catchUp(
  identity: ViewIdentity,
  readings: number,
): Promise<readonly StreamingQueryProgress[]> {
  const slack = { readings }
  const mode = { kind: 'catch-up', eventsPerBatchMax: EVENTS_PER_BATCH, slackMs: slack } as const
  const { query } = await rig.queries.start(identity, mode)
  assert.equal(await query.awaitTermination(RUN_TIMEOUT_MS), true, 'it ends by itself')
  const batches = await batchesOf(query)
  const events = batches.map(({ inputRows }) => inputRows).filter((count) => count > 0)
  assert.deepEqual(events, Array(10).fill(EVENTS_PER_BATCH))
  return batches
}

async function batchesOf(query: StreamingQuery): Promise<readonly StreamingQueryProgress[]> {
  const reports = await query.recentProgress()
  return reports.filter(({ durationMs }) => 'addBatch' in durationMs)
}

function dropped(batches: readonly StreamingQueryProgress[]): number {
  return batches
    .flatMap(({ stateOperators }) => stateOperators)
    .reduce((sum, { rowsDroppedByWatermark }) => sum + rowsDroppedByWatermark, 0)
}

function expected() {
  return rig.expected('counts', rig.log.ends(rig.topics.readings))
}

test('a catch-up without slack drops rows of the partition that is behind, and says how much it takes', async () => {
  const identity = await rig.view('counts', 1)
  const batches = await catchUp(identity, 0)
  assert.ok(dropped(batches) > 0)
  assert.notDeepEqual(await rig.rows(identity), expected())
  slackMs = Math.max(...batches.map((batch) => slackNeededMs(batch, ['readings'])))
  // Read side by side they are never further apart than five hours.
  assert.ok(slackMs > 0 && slackMs <= 5 * HOUR_MS, `${slackMs} ms`)
})

test('P2: with that slack it drops nothing, and goes on right with the narrow delay', async () => {
  const identity = await rig.view('counts', 2)
  const batches = await catchUp(identity, slackMs)
  assert.equal(dropped(batches), 0)
  assert.deepEqual(
    batches.map((batch) => slackNeededMs(batch, ['readings'])),
    batches.map(() => 0),
  )
  assert.deepEqual(await rig.rows(identity), expected())
  const windowsKept = windowsIn(batches.at(-1))
  assert.ok(windowsKept > 6, 'the slack keeps state')

  await append(0, { from: 10, to: 12 })
  await append(1, { from: 10, to: 12 })
  const { query } = await rig.queries.start(identity, { kind: 'continuous' })
  await query.processAllAvailable()
  // The last hour, for three keys.
  await until(
    () => batchesOf(query),
    (reports) => windowsIn(reports.at(-1)) === 3,
  )
  assert.equal(dropped(await batchesOf(query)), 0)
  await query.stop()
  assert.deepEqual(await rig.rows(identity), expected())
})

test('queries that are started at the same time are read each in its own way', async () => {
  const bounded = await rig.view('latest', 3)
  const whole = await rig.view('counts', 3)
  const events = rig.log.events.length
  const mode = { kind: 'catch-up', eventsPerBatchMax: events / 4, slackMs: {} } as const
  const [first, second] = await Promise.all([
    rig.queries.start(bounded, mode),
    rig.queries.start(whole, { kind: 'continuous' }),
  ])
  assert.equal(await first.query.awaitTermination(RUN_TIMEOUT_MS), true)
  await second.query.processAllAvailable()
  const read = async ({ query }: { query: StreamingQuery }) =>
    (await batchesOf(query)).map(({ inputRows }) => inputRows).filter((count) => count > 0)
  assert.deepEqual(await read(first), Array(4).fill(events / 4))
  assert.deepEqual(await read(second), [events])
  await second.query.stop()
})

function windowsIn(batch: StreamingQueryProgress | undefined): number {
  const aggregate = batch?.stateOperators.find(
    ({ operatorName }) => operatorName === 'stateStoreSave',
  )
  return aggregate?.rowsTotal ?? 0
}
