import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendDelayMaxMs } from '@kappa/applications/stream-plan'
import fc from 'fast-check'
import { resolveStarts } from '../log/start-offsets.ts'
import { FakeLog, type FakePartition } from './fake-log.ts'
import { type LoggedEvent, randomLogs, streamSource } from './random-logs.ts'

const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const cases = fc.record({
  log: randomLogs,
  /** Which event's time is asked for, and how far from it. */
  asked: fraction,
  shiftMs: fc.constantFrom(0, -1, 1, 3_600_000),
  windowMs: fc.constantFrom(0, 60_000, 24 * 3_600_000),
  /** By partition: how much of it retention has deleted. */
  deleted: fc.oneof(fc.constant([]), fc.array(fraction, { maxLength: 5 })),
})

test('P7: from an event time, every event that counts and has it or a later one is read, or said to be missing', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ log, asked, shiftMs, windowMs, deleted }) => {
      const { source, partitions } = log
      const all = partitions.flatMap(({ records }) => records)
      fc.pre(all.length > 0)
      const near = all[Math.floor(asked * (all.length - 1))] as LoggedEvent
      const timestampMs = near.eventTimeMs + shiftMs
      const held = partitions.map((partition, index) => {
        const begin = Math.floor(partition.end * (deleted[index] ?? 0))
        const records = partition.records.filter(({ offset }) => offset >= begin)
        return { ...partition, begin, records }
      })
      const { starts, missing } = await resolveStarts(
        new FakeLog({ [source.topic]: held }),
        { timestamp: new Date(timestampMs).toISOString() },
        [source],
        { windowMs },
      )
      const needed = (event: LoggedEvent) =>
        event.counts && event.eventTimeMs >= timestampMs - windowMs
      let lost = 0
      for (const [index, { begin, end, records }] of held.entries()) {
        const start = Number(starts[source.topic]?.[index])
        assert.ok(start >= begin && start <= end, `${start} is not from ${begin} to ${end}`)
        const before = partitions[index]?.records.filter(({ offset }) => offset < start) ?? []
        assert.ok(!before.some((event) => event.offset >= begin && needed(event)))
        lost += before.filter(needed).length
        // No earlier than bounds demand: what is read first may be, or be followed by, such an event.
        const first = records.find(({ offset }) => offset >= start)
        const boundMs = first === undefined ? timestampMs : newestBefore(first, source.earlinessMs)
        assert.ok(boundMs >= timestampMs - windowMs, `${boundMs} starts too early`)
      }
      assert.ok(lost <= (missing[source.topic] ?? 0), `${lost} are lost, told is ${missing}`)
    }),
    { numRuns: 2_000 },
  )
})

function newestBefore({ headers, imported, acceptedMs }: LoggedEvent, earlinessMs: number): number {
  const highestMs = Number(headers['kappa-import']?.split(';')[1])
  return imported ? highestMs : acceptedMs + earlinessMs + appendDelayMaxMs
}

test('P7: from an event time, deleted records are missing unless the log proves that all are older', async () => {
  const source = streamSource({ importDisorderMaxMs: 0 })
  const records = Array.from({ length: 50 }, (_, index) => {
    const offset = 50 + index
    return { offset, timestamp: 1e9, headers: { 'kappa-import': `${1e9};${offset * 1_000};0` } }
  })
  const log = () => new FakeLog({ delays: [{ begin: 50, end: 100, records }] })
  const startOf = async (second: number) => {
    const timestamp = new Date(second * 1_000).toISOString()
    const { starts, missing } = await resolveStarts(log(), { timestamp }, [source])
    return [starts.delays?.[0], missing.delays]
  }
  assert.deepEqual(await startOf(51), ['51', 0])
  // The record of second 50 may come after another one of that time.
  assert.deepEqual(await startOf(50), ['50', 50])
  assert.deepEqual(await startOf(20), ['50', 50])
})

const held: FakePartition = { begin: 3, end: 10, records: [] }
const whole: FakePartition = { begin: 0, end: 10, records: [] }
const kafka = () => new FakeLog({ delays: [held, whole], gates: [held] })
const sources = [streamSource(), streamSource({ name: 'gates', topic: 'gates' })]

test('P7: from the earliest, what retention has deleted is missing', async () => {
  assert.deepEqual(await resolveStarts(kafka(), 'earliest', sources), {
    starts: { delays: { 0: '3', 1: '0' }, gates: { 0: '3' } },
    missing: { delays: 3, gates: 3 },
  })
})

test('P7: from offsets, what was asked for and is deleted is missing; what is not named is all of it', async () => {
  const offsets = { delays: { 0: '1', 1: '10' } }
  assert.deepEqual(await resolveStarts(kafka(), { offsets }, sources), {
    starts: { delays: { 0: '3', 1: '10' }, gates: { 0: '3' } },
    missing: { delays: 2, gates: 3 },
  })
  const later = { delays: { 0: '5' }, gates: { 0: '3' } }
  assert.deepEqual(await resolveStarts(kafka(), { offsets: later }, sources), {
    starts: { delays: { 0: '5', 1: '0' }, gates: { 0: '3' } },
    missing: { delays: 0, gates: 0 },
  })
})

test('offsets that cannot be read from are refused: what was got, what is possible', async () => {
  const refused: [Record<string, Record<string, string>>, RegExp][] = [
    [{ trains: { 0: '1' } }, /no stream reads topic trains. The streams read delays, gates\./],
    [{ delays: { 2: '1' } }, /topic delays has no partition 2. Its partitions are 0, 1\./],
    [{ delays: { '01': '1' } }, /topic delays has no partition 01\./],
    [
      { delays: { 0: '11' } },
      /offset 11 of topic delays, partition 0, is past the end .* offsets 3 up to 10; give 10 at most\./,
    ],
  ]
  for (const [offsets, message] of refused) {
    const resolving = resolveStarts(kafka(), { offsets }, sources)
    await assert.rejects(resolving, { code: 'bad_request', message })
  }
})

test('a timestamp without a zone, or that is none, is refused', async () => {
  for (const timestamp of ['2013-01-01T00:00:00', 'yesterday', '2013-02-30T00:00:00Z']) {
    const resolving = resolveStarts(kafka(), { timestamp }, sources)
    await assert.rejects(resolving, { code: 'bad_request', message: /^from\.timestamp: .*; got "/ })
  }
})

test('what is appended meanwhile does not move a start past the end', async () => {
  const records = Array.from({ length: 20 }, (_, index) => ({
    // The last offsets below the end hold marks of transactions.
    offset: index < 7 ? index : index + 3,
    timestamp: 0,
    headers: {},
  }))
  const log = new FakeLog({ delays: [{ begin: 0, end: 10, records }] })
  const from = { timestamp: '2026-01-01T00:00:00Z' }
  const { starts } = await resolveStarts(log, from, [streamSource()])
  assert.deepEqual(starts, { delays: { 0: '7' } })
})

test('streams of one topic begin together, at the lower start', async () => {
  const acceptedMs = Date.UTC(2026)
  const minuteMs = 60_000
  const records = Array.from({ length: 100 }, (_, offset) => {
    const headers = { 'kappa-accepted': `${acceptedMs + offset * minuteMs}` }
    return { offset, timestamp: acceptedMs, headers }
  })
  const log = () => new FakeLog({ delays: [{ begin: 0, end: 100, records }] })
  const from = { timestamp: new Date(acceptedMs + 50 * minuteMs).toISOString() }
  const startOf = async (...earlinesses: number[]) => {
    const streams = earlinesses.map((earlinessMs) => streamSource({ earlinessMs }))
    return (await resolveStarts(log(), from, streams)).starts.delays?.[0]
  }
  // The event of minute 45 may be followed by one that was accepted at most 5 minutes earlier.
  assert.equal(await startOf(0), '45')
  assert.equal(await startOf(20 * minuteMs), '25')
  assert.equal(await startOf(0, 20 * minuteMs), '25')
  assert.equal(await startOf(20 * minuteMs, 0), '25')
})
