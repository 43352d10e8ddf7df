import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import { until } from '@kappa/test/until'
import {
  checkpointPrefix,
  readCommittedBatch,
  readOffsetLog,
  readTail,
} from '../views/checkpoint.ts'
import { CutError, planForcedBatch } from '../views/forced-batch.ts'
import { formatOffsetLog } from '../views/offset-log.ts'
import type { ViewIdentity } from '../views/view-position.ts'
import { SlackError } from '../views/view-queries.ts'
import type { TestEvent } from './event-log.ts'
import { type ViewName, views } from './folds.ts'
import { QueryRig } from './query-rig.ts'

const BEGIN = Date.parse('2013-01-01T00:00:00Z')
const MINUTE_MS = 60_000
const PARTITIONS = 2
const catchUp = { kind: 'catch-up', eventsPerBatchMax: 200, slackMs: {} } as const

let rig: QueryRig
/** Where the log ended when the queries had caught up, and where they are cut. */
let caughtUp: OffsetsByTopic
let cut: OffsetsByTopic

before(async () => {
  rig = await QueryRig.start('forced-batch', PARTITIONS)
  const { readings, alarms } = rig.topics
  await appendMinutes(0, 300)
  caughtUp = rig.log.ends(readings, alarms)
  await appendMinutes(300, 450)
  // In the middle of what came then; one partition stays where it was, another is taken to its end.
  cut = {
    [readings]: { 0: '400', 1: String(caughtUp[readings]?.['1']) },
    [alarms]: { 0: '361', 1: '450' },
  }
})
after(() => rig?.stop())

/** An event a minute in every partition, in both topics. */
async function appendMinutes(from: number, to: number): Promise<void> {
  for (const topic of Object.values(rig.topics)) {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const events = Array.from({ length: to - from }, (_, index): TestEvent => {
        const minute = from + index
        const n = (minute * 7 + partition) % 100
        const at = BEGIN + minute * MINUTE_MS + partition * 1_000
        return { id: `${topic}/${partition}/${minute}`, at, k: 'abc'[minute % 3] ?? '', n }
      })
      await rig.log.append(topic, partition, events)
    }
  }
}

/** Reads what was there when the queries had caught up: the rest is there already, so by a cut. */
async function toCaughtUp(identity: ViewIdentity): Promise<void> {
  await rig.queries.runUpTo(identity, { kind: 'up-to', offsets: caughtUp })
}

function prefixOf({ application, release, name }: ViewIdentity): string {
  return checkpointPrefix(application, release, name)
}

function own(identity: ViewIdentity, offsets: OffsetsByTopic): OffsetsByTopic {
  const { readings } = rig.topics
  return identity.name === 'pairs' ? offsets : { [readings]: offsets[readings] ?? {} }
}

for (const name of Object.keys(views) as ViewName[]) {
  test(`P2: ${name} is complete up to exactly the cut, and goes on from there`, async () => {
    const identity = await rig.view(name, 1)
    const upTo = { kind: 'up-to', offsets: cut } as const
    await toCaughtUp(identity)
    assert.deepEqual(await rig.rows(identity), rig.expected(name, caughtUp), 'before the cut')

    const [counted, ...more] = await rig.queries.runUpTo(identity, upTo)
    assert.deepEqual(await rig.rows(identity), rig.expected(name, cut), 'at the cut')
    const committed = await readCommittedBatch(rig.store, prefixOf(identity))
    assert.deepEqual(committed.sources, own(identity, cut))
    assert.equal(counted?.batchId, committed.batch)
    assert.deepEqual(more, [])
    assert.equal(counted?.observedMetrics.stream_readings?.read_events, '100')

    assert.deepEqual(await rig.queries.runUpTo(identity, upTo), [], 'nothing to do')
    assert.equal((await readCommittedBatch(rig.store, prefixOf(identity))).batch, committed.batch)
    await assert.rejects(toCaughtUp(identity), (error: Error) => {
      assert.ok(error instanceof CutError)
      assert.match(error.message, /readings\/0 up to 400, beyond the cut at 300/)
      return true
    })

    const { query } = await rig.queries.start(identity, { kind: 'continuous' })
    await query.processAllAvailable()
    await query.stop()
    const ends = rig.log.ends(...Object.values(rig.topics))
    assert.deepEqual(await rig.rows(identity), rig.expected(name, ends), 'at the end')
  })
}

test('P2: a cut of a query that has read nothing, and one after batches of a catch-up', async () => {
  const identity = await rig.view('counts', 2)
  const [counted] = await rig.queries.runUpTo(identity, { kind: 'up-to', offsets: cut })
  assert.deepEqual(await rig.rows(identity), rig.expected('counts', cut))
  assert.equal(counted?.batchId, 1, 'after an empty batch 0, which tells what the query reads')

  const { query } = await rig.queries.start(identity, catchUp)
  assert.equal(await query.awaitTermination(60_000), true)
  const ends = rig.log.ends(...Object.values(rig.topics))
  assert.deepEqual(await rig.rows(identity), rig.expected('counts', ends))
  await appendMinutes(450, 460)
  const later = rig.log.ends(...Object.values(rig.topics))
  await rig.queries.runUpTo(identity, { kind: 'up-to', offsets: later })
  assert.deepEqual(await rig.rows(identity), rig.expected('counts', later))
})

test('P2: Spark is killed between the plan of the batch and its commit, and while it writes rows', async () => {
  const identity = await rig.view('counts', 3)
  await toCaughtUp(identity)
  const { committed } = await readTail(rig.store, prefixOf(identity))
  const tail = () => readTail(rig.store, prefixOf(identity))
  const upTo = { kind: 'up-to', offsets: cut } as const
  const changelogSize = async () => {
    const ends = await rig.kafka.admin.endOffsets(identity.view.changelog.topic)
    return ends.reduce((sum, { offset }) => sum + offset, 0n)
  }

  const first = rig.queries.runUpTo(identity, upTo)
  first.catch(() => undefined)
  await until(tail, ({ planned }) => planned > committed)
  await rig.killSpark()
  await assert.rejects(first)
  assert.deepEqual(await tail(), { committed, planned: committed + 1 })

  await rig.startSpark()
  const before = await changelogSize()
  const second = rig.queries.runUpTo(identity, upTo)
  second.catch(() => undefined)
  await until(changelogSize, (size) => size > before, 60_000)
  await rig.killSpark()
  await second.catch(() => undefined)

  await rig.startSpark()
  await rig.queries.runUpTo(identity, upTo)
  assert.deepEqual(await tail(), { committed: committed + 1, planned: committed + 1 })
  const reached = await readCommittedBatch(rig.store, prefixOf(identity))
  assert.deepEqual(reached.sources, own(identity, cut))
  assert.deepEqual(await rig.rows(identity), rig.expected('counts', cut))
})

test('P2: a cut that would drop rows is refused before anything is written', async () => {
  const identity = await rig.view('counts', 4)
  const { readings } = rig.topics
  const ahead = { [readings]: { 0: '0', 1: '200' } }
  const further = { [readings]: { 0: '0', 1: '300' } }
  const rest = { kind: 'up-to', offsets: cut } as const
  await rig.queries.runUpTo(identity, { kind: 'up-to', offsets: ahead })
  await rig.queries.runUpTo(identity, { kind: 'up-to', offsets: further })
  const before = await readTail(rig.store, prefixOf(identity))
  await assert.rejects(rig.queries.runUpTo(identity, rest), (error: Error) => {
    assert.ok(error instanceof SlackError)
    assert.match(error.message, /would drop 194 rows/)
    return true
  })
  assert.deepEqual(await readTail(rig.store, prefixOf(identity)), before)
})

test('P2: what was planned before a stop and the rest that it left out are both counted', async () => {
  const identity = await rig.view('counts', 6)
  const prefix = prefixOf(identity)
  const { readings } = rig.topics
  await rig.queries.settle(identity)
  const { committed } = await readTail(rig.store, prefix)
  const begin = await readOffsetLog(rig.store, prefix, committed)
  const ahead = { [readings]: { 0: '0', 1: '300' } }
  const planned = planForcedBatch(begin, 0, ahead)
  assert.ok(planned)
  await rig.store.putNew(`${prefix}offsets/${committed + 1}`, formatOffsetLog(planned))

  const { query, counted } = await rig.queries.start(identity, { kind: 'continuous' })
  await query.processAllAvailable()
  const dropped = (await query.lastProgress())?.stateOperators[0]?.rowsDroppedByWatermark
  await query.stop()
  assert.equal(counted[0]?.observedMetrics.stream_readings?.read_events, '300')
  assert.equal(dropped, 0)
  const ends = rig.log.ends(...Object.values(rig.topics))
  assert.deepEqual(await rig.rows(identity), rig.expected('counts', ends))
})

test('a query begins where the release does, at the first kept record of what is not named', async () => {
  const { readings } = rig.topics
  await rig.newSession({ [readings]: { 1: '290' } })
  const identity = await rig.view('latest', 5)
  await rig.queries.runUpTo(identity, { kind: 'up-to', offsets: caughtUp })
  const events = rig.log
    .below(readings, caughtUp)
    .filter(({ partition, offset }) => partition === 0 || offset >= 290)
  assert.deepEqual(await rig.rows(identity), views.latest.fold(events))
})
