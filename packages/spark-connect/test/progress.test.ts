import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaOffsets, parseProgress } from '@kappa/spark-connect/progress'

// Cut down from a report of Spark 4.1.1: no total of input rows, as some reports over Connect are.
const REPORT = `{
  "id": "da39ba46-e54b-41fd-b9fc-d3dd6a3d4ba7", "runId": "86c83793-320b-4008-81f4-21582e62d0c6",
  "name": null, "timestamp": "2026-01-01T00:00:00.000Z", "batchId": 7, "batchDuration": 298,
  "durationMs": {"addBatch": 135, "triggerExecution": 298},
  "eventTime": {"watermark": "2026-01-01T00:00:00.211Z"},
  "stateOperators": [{"operatorName": "dedupe", "numRowsTotal": 3, "numRowsUpdated": 2, "numRowsRemoved": 0,
    "numRowsDroppedByWatermark": 4, "memoryUsedBytes": 100, "commitTimeMs": 9, "customMetrics": {"rocksdbPutCount": 2}}],
  "sources": [
    {"description": "KafkaV2[Subscribe[a]]", "startOffset": null, "endOffset": {"a": {"0": 9007199254740993, "1": 2}},
     "latestOffset": {"a": {"0": 9007199254740993, "1": 2}}, "numInputRows": 5, "inputRowsPerSecond": "NaN",
     "metrics": {"maxOffsetsBehindLatest": "0"}},
    {"description": "KafkaV2[Subscribe[b]]", "startOffset": "{\\"b\\":{\\"0\\":1}}", "endOffset": "{\\"b\\":{\\"0\\":4}}", "numInputRows": 3}
  ],
  "sink": {"description": "KafkaTable", "numOutputRows": -1},
  "observedMetrics": {"late": {"values": [9007199254740993, null],
    "schema": {"type": "struct", "fields": [{"name": "n"}, {"name": "newest"}]}}}
}`

test('input rows are summed over the sources', () => {
  assert.equal(parseProgress(REPORT).inputRows, 8)
})

test('offsets and observed values beyond 2^53 keep every digit', () => {
  const progress = parseProgress(REPORT)
  const [first] = progress.sources
  assert.deepEqual(kafkaOffsets(first?.endOffset ?? null), {
    a: { '0': '9007199254740993', '1': '2' },
  })
  assert.deepEqual(progress.observedMetrics, { late: { n: '9007199254740993', newest: null } })
})

test('an offset that comes as text is the same offset', () => {
  const second = parseProgress(REPORT).sources[1]
  assert.deepEqual(kafkaOffsets(second?.startOffset ?? null), { b: { '0': '1' } })
  assert.deepEqual(kafkaOffsets(second?.endOffset ?? null), { b: { '0': '4' } })
})

test('nothing read yet is no offsets; the offset of another source is an error', () => {
  assert.deepEqual(kafkaOffsets(parseProgress(REPORT).sources[0]?.startOffset ?? null), {})
  assert.throws(() => kafkaOffsets('5'), /not the offset of a Kafka source: "5"/)
  assert.throws(() => kafkaOffsets({ logOffset: '5' }), /not the offset of a Kafka source/)
})

test('rows that the watermark dropped, durations, watermark and unknown output are told', () => {
  const progress = parseProgress(REPORT)
  assert.equal(progress.stateOperators[0]?.rowsDroppedByWatermark, 4)
  assert.equal(progress.stateOperators[0]?.customMetrics.rocksdbPutCount, 2)
  assert.equal(progress.durationMs.addBatch, 135)
  assert.equal(progress.watermark, '2026-01-01T00:00:00.211Z')
  assert.equal(progress.sink.outputRows, null)
  assert.equal(progress.sources[0]?.inputRowsPerSecond, 0)
})

test('what is not a progress report is refused', () => {
  assert.throws(() => parseProgress('{"id": "x"}'), /not a streaming query progress/)
  assert.throws(() => parseProgress('<html>'), SyntaxError)
})
