import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import fc from 'fast-check'
import { readOptions, unbounded } from '../spark/stream-reading.ts'
import { batchLimits } from '../views/batch-limits.ts'
import { CutError, planForcedBatch } from '../views/forced-batch.ts'
import { formatOffsetLog, parseNextWatermark, parseOffsetLog } from '../views/offset-log.ts'
import { slackNeededMs } from '../views/slack-needed.ts'

/** As Spark 4.1.1 has written it. */
const offsetLog = [
  'v1',
  '{"batchWatermarkMs":1000,"batchTimestampMs":5000,"conf":{"spark.sql.shuffle.partitions":"2"}}',
  '{"a":{"0":5,"1":9}}',
  '{"b":{"0":7}}',
].join('\n')
const commitLog = 'v1\n{"nextBatchWatermarkMs":2000}'

test('the forced batch goes from the newest one to the cut, source by source', () => {
  const newest = parseOffsetLog(offsetLog)
  const cut = { b: { 0: '8' }, a: { 0: '5', 1: '12', 2: '3' }, other: { 0: '1' } }
  const planned = planForcedBatch(newest, parseNextWatermark(commitLog), cut)
  assert.ok(planned)
  assert.equal(
    formatOffsetLog(planned),
    [
      'v1',
      '{"batchWatermarkMs":2000,"batchTimestampMs":5001,"conf":{"spark.sql.shuffle.partitions":"2"}}',
      '{"a":{"0":5,"1":12,"2":3}}',
      '{"b":{"0":8}}',
    ].join('\n'),
  )
})

test('there is no batch to a cut where the query is, and none back or to nowhere', () => {
  const newest = parseOffsetLog(offsetLog)
  const plan = (cut: OffsetsByTopic) => planForcedBatch(newest, 0, cut)
  assert.equal(plan({ a: { 0: '5', 1: '9' }, b: { 0: '7' } }), undefined)
  const refused: readonly (readonly [OffsetsByTopic, RegExp])[] = [
    [{ a: { 0: '9', 1: '8' }, b: { 0: '9' } }, /read a\/1 up to 9, beyond the cut at 8/],
    [{ a: { 0: '9', 1: '9' } }, /nothing about the topic b/],
    [{ a: { 0: '9' }, b: { 0: '9' } }, /nothing about the partition a\/1/],
  ]
  for (const [cut, message] of refused) {
    assert.throws(
      () => plan(cut),
      (error) => error instanceof CutError && message.test(error.message),
    )
  }
})

test('the logs of another version are not understood', () => {
  assert.throws(() => parseOffsetLog('v2\n{}'), /offset log has version v2/)
  assert.throws(() => parseNextWatermark('v2\n{}'), /commit log has version v2/)
})

test('the sources of a query come to their ends after the same number of batches', () => {
  const unread = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(unread, fc.integer({ min: 1, max: 100_000 }), (counts, eventsPerBatchMax) => {
      const sources = counts.map((_, index) => ({ [`t${index}`]: { 0: '10' } }))
      const ends = Object.fromEntries(
        counts.map((count, index) => [`t${index}`, { 0: String(10 + count) }]),
      )
      const limits = batchLimits(sources, ends, eventsPerBatchMax)
      const total = counts.reduce((sum, count) => sum + count, 0)
      const batches = Math.max(1, Math.ceil(total / eventsPerBatchMax))
      let taken = 0
      for (const [index, count] of counts.entries()) {
        const limit = limits[`t${index}`] ?? 0
        assert.ok(limit >= 1)
        assert.ok(limit * batches >= count, 'it comes to its end')
        assert.ok((limit - 1) * batches < Math.max(count, 1), 'and takes no more than it needs')
        taken += Math.min(limit, count)
      }
      assert.ok(taken <= eventsPerBatchMax + counts.length)
    }),
  )
})

test('a topic that two sources read counts twice', () => {
  const limits = batchLimits(
    [{ a: { 0: '0' } }, { a: { 0: '0' } }, { b: { 0: '0' } }],
    { a: { 0: '100' }, b: { 0: '200' } },
    40,
  )
  assert.deepEqual(limits, { a: 10, b: 20 })
})

test("what Spark's Kafka source is told", () => {
  const starts = { a: { 1: '7' } }
  const options = readOptions('a', { ...unbounded, ends: { a: { 0: '9', 1: '9' } } }, starts)
  assert.deepEqual(options, { subscribe: 'a', startingOffsets: '{"a":{"0":-2,"1":7}}' })
  assert.deepEqual(readOptions('b', unbounded, starts), {
    subscribe: 'b',
    startingOffsets: 'earliest',
  })
  const limited = { slackMs: {}, batch: { eventsMaxByTopic: { a: 5 } } }
  assert.equal(readOptions('a', limited, {}).maxOffsetsPerTrigger, '5')
  assert.ok('minOffsetsPerTrigger' in readOptions('a', { slackMs: {}, batch: 'nothing' }, {}))
})

test('the slack needed puts the watermark below the oldest event on time, where rows were dropped', () => {
  const batch = (rowsDroppedByWatermark: number, oldest: Record<string, string | null>) => ({
    batchId: 3,
    watermark: new Date(10_000).toISOString(),
    stateOperators: [{ rowsDroppedByWatermark }],
    observedMetrics: Object.fromEntries(
      Object.entries(oldest).map(([stream, ms]) => [`stream_${stream}`, { oldest_event_ms: ms }]),
    ),
  })
  const streams = ['a', 'b', 'c']
  assert.equal(slackNeededMs(batch(2, { a: '9000', b: '7000', c: null }), streams), 3_001)
  assert.equal(slackNeededMs(batch(0, { a: '9000', b: '7000', c: null }), streams), 0)
})
