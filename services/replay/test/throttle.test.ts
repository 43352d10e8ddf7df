import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ViewIdentity } from '../views/view-position.ts'
import type { TestEvent } from './event-log.ts'
import type { ViewName } from './folds.ts'
import { QueryRig } from './query-rig.ts'

const BEGIN = Date.parse('2013-01-01T00:00:00Z')
const PARTITIONS = 3
const EVENTS_AT_FIRST = 1_200
const EVENTS_LATER = 300
const EVENTS_PER_SECOND_MAX = 300
const RUN_TIMEOUT_MS = 120_000

let rig: QueryRig
before(async () => {
  rig = await QueryRig.start('throttle', PARTITIONS)
  await append(0, EVENTS_AT_FIRST)
})
after(() => rig?.stop())

/** An event a second in every partition of both topics. */
async function append(fromSecond: number, length: number): Promise<void> {
  for (const topic of Object.values(rig.topics)) {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const events = Array.from({ length }, (_, index): TestEvent => {
        const at = BEGIN + (fromSecond + index) * 1_000
        return { id: `${topic}/${partition}/${at}`, at, k: `${partition}/${index % 100}`, n: index }
      })
      await rig.log.append(topic, partition, events)
    }
  }
}

/** @returns how many events a second its one batch has read */
async function catchUp(identity: ViewIdentity, eventsPerSecondMax?: number): Promise<number> {
  const { query } = await rig.queries.start(identity, {
    kind: 'catch-up',
    eventsPerBatchMax: 100_000,
    slackMs: {},
    ...(eventsPerSecondMax === undefined ? {} : { eventsPerSecondMax }),
  })
  assert.equal(await query.awaitTermination(RUN_TIMEOUT_MS), true)
  const [batch, ...more] = (await query.recentProgress()).filter(({ inputRows }) => inputRows > 0)
  assert.deepEqual(more, [])
  return (batch?.inputRows ?? 0) / ((batch?.durationMs.addBatch ?? 0) / 1_000)
}

function expected(name: ViewName) {
  return rig.expected(name, rig.log.ends(...Object.values(rig.topics)))
}

for (const name of ['counts', 'pairs'] as const) {
  test(`all streams of ${name} together keep to the rate; the rows are the same`, async (t) => {
    const slow = await rig.view(name, 1)
    const fast = await rig.view(name, 2)
    const slowRate = await catchUp(slow, EVENTS_PER_SECOND_MAX)
    const fastRate = await catchUp(fast)
    t.diagnostic(`${slowRate.toFixed(0)} events/s throttled, ${fastRate.toFixed(0)} without`)
    assert.ok(slowRate <= EVENTS_PER_SECOND_MAX, `${slowRate} a second`)
    assert.ok(fastRate > EVENTS_PER_SECOND_MAX, `${fastRate} a second without a throttle`)
    assert.deepEqual(await rig.rows(slow), expected(name))
    assert.deepEqual(await rig.rows(fast), expected(name))

    // From the same checkpoints the other way round.
    await append(name === 'counts' ? 2_000 : 3_000, EVENTS_LATER)
    await catchUp(slow)
    const slowedRate = await catchUp(fast, EVENTS_PER_SECOND_MAX)
    assert.ok(slowedRate <= EVENTS_PER_SECOND_MAX, `${slowedRate} a second`)
    assert.deepEqual(await rig.rows(slow), expected(name))
    assert.deepEqual(await rig.rows(fast), expected(name))
  })
}
