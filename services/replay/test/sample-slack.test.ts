import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendDelayMaxMs, type StreamSource } from '@kappa/applications/stream-plan'
import fc from 'fast-check'
import { readsInFlightMax } from '../log/in-flight.ts'
import { sampleSlack } from '../log/sample-slack.ts'
import { FakeLog } from './fake-log.ts'
import {
  type LoggedEvent,
  type LoggedPartition,
  type RandomLog,
  randomLogs,
  streamSource,
} from './random-logs.ts'

const dayMs = 86_400_000

function inYear(part: number): number {
  return Date.UTC(2013) + part * 365 * dayMs
}

interface OffsetRange {
  readonly from: Readonly<Record<string, string>>
  readonly to: Readonly<Record<string, string>>
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const cases = fc.record({
  log: randomLogs,
  samplesMax: fc.integer({ min: 2, max: 200 }),
  batchRecordsMax: fc.integer({ min: 1, max: 150 }),
  /** Where the range begins and how long it is, by partition: a query that goes on, or a new one. */
  begins: fc.oneof(fc.constant([]), fc.array(fraction, { maxLength: 5 })),
  /** By batch: how many times the smallest limit is its own. */
  limits: fc.array(fc.constantFrom(1, 1, 1.5, 4), { minLength: 1, maxLength: 20 }),
})

test('P2: with the sampled slack the watermark drops no event that counts, whatever the log and the batches are', async () => {
  let dropsWithLess = 0
  await fc.assert(
    fc.asyncProperty(cases, async ({ log, samplesMax, batchRecordsMax, begins, limits }) => {
      const range = rangeOf(log, begins)
      const kafka = new FakeLog({ [log.source.topic]: log.partitions })
      const options = { samplesMax, batchRecordsMax }
      const { slackMs } = await sampleSlack(kafka, log.source, range, options)
      const cuts = limits.map((times) => Math.floor(times * batchRecordsMax))
      assert.equal(dropped(log, range, slackMs, cuts).length, 0)
      if (dropped(log, range, 0, cuts).length > 0) dropsWithLess++
    }),
    { numRuns: 2_000 },
  )
  assert.ok(dropsWithLess > 600, `only ${dropsWithLess} logs need a slack at all`)
})

test('the slack is no wider than samples, rounding and declared bounds make it', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ log, samplesMax, batchRecordsMax, begins }) => {
      const range = rangeOf(log, begins)
      const kafka = new FakeLog({ [log.source.topic]: log.partitions })
      const options = { samplesMax, batchRecordsMax }
      const { slackMs } = await sampleSlack(kafka, log.source, range, options)
      const boundMs = slackOfWholeLog(log, range, options)
      assert.ok(slackMs <= boundMs, `${slackMs} is more than ${boundMs}`)
    }),
    { numRuns: 500 },
  )
})

test('a year that two partitions hold evenly takes days of slack, one that they hold unevenly months', async () => {
  const source = streamSource({ importDisorderMaxMs: 0 })
  const half = 50_000
  const even = (index: number) => (index * 365 * dayMs) / half
  // The second partition has most of its events at the end of the year.
  const late = (index: number) => 365 * dayMs * Math.sqrt(index / half)
  const slackDays = async (times: (index: number) => number) => {
    const partitions = [importOf(half, even), importOf(half, times)]
    const range = { from: { 0: '0', 1: '0' }, to: { 0: `${half}`, 1: `${half}` } }
    const kafka = new FakeLog({ delays: partitions })
    const options = { samplesMax: 1_000, batchRecordsMax: 10_000 }
    const { slackMs, samples } = await sampleSlack(kafka, source, range, options)
    assert.equal(samples, 1_000)
    assert.ok(kafka.reads <= 1_002, `${kafka.reads} reads`)
    assert.ok(kafka.inFlightMost <= readsInFlightMax)
    return slackMs / dayMs
  }
  const evenDays = await slackDays(even)
  assert.ok(evenDays > 0 && evenDays < 3, `${evenDays} days`)
  // The most that sqrt(f) and f are apart is a quarter, at f = 1/4.
  const unevenDays = await slackDays(late)
  assert.ok(unevenDays > 365 / 4 && unevenDays < 365 / 4 + 3, `${unevenDays} days`)
})

test('a range that one batch takes needs no slack and no read', async () => {
  const kafka = new FakeLog({ delays: [importOf(99, (index) => index)] })
  const range = { from: { 0: '0' }, to: { 0: '99' } }
  const options = { samplesMax: 10, batchRecordsMax: 100 }
  assert.deepEqual(await sampleSlack(kafka, streamSource(), range, options), {
    slackMs: 0,
    samples: 0,
  })
  assert.equal(kafka.reads, 0)
})

test('a range that holds nothing but marks of transactions needs no slack', async () => {
  const kafka = new FakeLog({ delays: [{ begin: 0, end: 1_000, records: [] }] })
  const range = { from: { 0: '0' }, to: { 0: '1000' } }
  const options = { samplesMax: 10, batchRecordsMax: 100 }
  assert.deepEqual(await sampleSlack(kafka, streamSource(), range, options), {
    slackMs: 0,
    samples: 0,
  })
})

/** A partition of 10,000 events, evenly over the year of 2013, beside another one; 100 records a batch. */
async function checkBesideEven(other: LoggedPartition, needDays: number): Promise<void> {
  const source = streamSource({ importDisorderMaxMs: 0 })
  const even = importOf(10_000, (index) => inYear(index / 10_000))
  const range = { from: { 0: '0', 1: '0' }, to: { 0: '10000', 1: `${other.end}` } }
  const kafka = new FakeLog({ delays: [even, other] })
  const options = { samplesMax: 20_000, batchRecordsMax: 100 }
  const { slackMs } = await sampleSlack(kafka, source, range, options)
  const log = { source, partitions: [even, other] }
  assert.ok(dropped(log, range, needDays * dayMs, [100]).length > 0)
  assert.equal(dropped(log, range, slackMs, [100]).length, 0)
}

test('P2: a partition whose share of a batch is below one record runs ahead', () => {
  // Its share is 0.2 of a record; Spark takes one, and so is in December after a fifth of the time.
  const second = importOf(20, (index) => inYear(0.5 + index / 40))
  return checkBesideEven(second, 0.7 * 365)
})

test('P2: a partition whose share of a batch is rounded down lags behind', () => {
  // Its share is 1.5 records; Spark takes one, until its share is 2: it leaves January late.
  const second = importOf(152, (index) => inYear(index < 114 ? 0 : 0.75))
  return checkBesideEven(second, 0.8 * 365)
})

test('P2: events at one time need a millisecond, because Spark drops what is at its watermark', async () => {
  const source = streamSource({ importDisorderMaxMs: 0 })
  const partitions = [importOf(100, () => 1_000_000)]
  const range = { from: { 0: '0' }, to: { 0: '100' } }
  const kafka = new FakeLog({ delays: partitions })
  const options = { samplesMax: 10, batchRecordsMax: 10 }
  assert.equal((await sampleSlack(kafka, source, range, options)).slackMs, 1)
  const log = { source, partitions }
  assert.ok(dropped(log, range, 0, [10]).length > 0)
  assert.deepEqual(dropped(log, range, 1, [10]), [])
})

test('P2: what lies between samples may have been accepted minutes before or after them', async () => {
  const source = streamSource({ latenessMs: 0, earlinessMs: 0, topic: 'delays' })
  const noonMs = Date.UTC(2026, 0, 1, 12)
  // Even offsets are sampled: of the later partition the earlier events, of the earlier one the later.
  const later = (offset: number) => noonMs + (offset % 2 === 0 ? 1 : 2) * appendDelayMaxMs
  const earlier = (offset: number) => noonMs - (offset % 2 === 0 ? 0 : 1) * appendDelayMaxMs
  const partitions = [liveOf(101, later), liveOf(101, earlier)]
  const range = { from: { 0: '0', 1: '0' }, to: { 0: '101', 1: '101' } }
  const kafka = new FakeLog({ delays: partitions })
  const options = { samplesMax: 102, batchRecordsMax: 20 }
  const { slackMs } = await sampleSlack(kafka, source, range, options)
  const log = { source, partitions }
  assert.ok(dropped(log, range, 3 * appendDelayMaxMs - 1, [20]).length > 0)
  assert.equal(dropped(log, range, slackMs, [20]).length, 0)
})

test('P2: the first live events after an import may be as late as the stream allows', async () => {
  const hourMs = 3_600_000
  const source = streamSource({ latenessMs: 3 * hourMs, importDisorderMaxMs: 0 })
  const importedMs = Date.UTC(2026)
  const later = importedMs + 480 * hourMs
  const history = importOf(50, () => importedMs).records
  const live = liveOf(101, (offset) => (offset === 51 ? importedMs : later)).records.slice(50)
  const first = { ...(live[1] as LoggedEvent), eventTimeMs: importedMs - 3 * hourMs }
  const mixed = [...history, { ...(history[0] as LoggedEvent), offset: 50 }, first]
  const partitions = [
    liveOf(101, () => later),
    { begin: 0, end: 101, records: [...mixed, ...live.slice(2)] },
  ]
  const range = { from: { 0: '0', 1: '0' }, to: { 0: '101', 1: '101' } }
  const kafka = new FakeLog({ delays: partitions })
  const { slackMs } = await sampleSlack(kafka, source, range, {
    samplesMax: 102,
    batchRecordsMax: 100,
  })
  const log = { source, partitions }
  assert.ok(dropped(log, range, 480 * hourMs, [100]).length > 0)
  assert.equal(dropped(log, range, slackMs, [100]).length, 0)
})

test('where everything was imported the lateness of live events widens nothing', async () => {
  const source = streamSource({ latenessMs: 1e13, importDisorderMaxMs: 0 })
  const kafka = new FakeLog({ delays: [importOf(100, (index) => index)] })
  const range = { from: { 0: '0' }, to: { 0: '100' } }
  const options = { samplesMax: 100, batchRecordsMax: 50 }
  const { slackMs } = await sampleSlack(kafka, source, range, options)
  assert.ok(slackMs <= 100, `${slackMs}`)
})

function importOf(count: number, timeOf: (index: number) => number): LoggedPartition {
  const acceptedMs = Date.UTC(2026)
  const records = Array.from({ length: count }, (_, offset) => {
    const eventTimeMs = Math.floor(timeOf(offset))
    const headers = { 'kappa-import': `${acceptedMs};${eventTimeMs};0` }
    const record = { offset, sequence: offset, timestamp: acceptedMs, headers }
    return { ...record, eventTimeMs, acceptedMs, imported: true, counts: true }
  })
  return { begin: 0, end: count, records }
}

/** Events that happened when they were accepted. */
function liveOf(count: number, timeOf: (index: number) => number): LoggedPartition {
  const records = Array.from({ length: count }, (_, offset) => {
    const acceptedMs = timeOf(offset)
    const headers = { 'kappa-accepted': `${acceptedMs}` }
    const record = { offset, sequence: offset, timestamp: acceptedMs, headers }
    return { ...record, eventTimeMs: acceptedMs, acceptedMs, imported: false, counts: true }
  })
  return { begin: 0, end: count, records }
}

function rangeOf({ partitions }: RandomLog, begins: readonly number[]): OffsetRange {
  const from = partitions.map(({ end }, partition) => {
    return [partition, `${Math.floor(end * (begins[partition] ?? 0))}`]
  })
  const to = partitions.map(({ end }, partition) => [partition, `${end}`])
  return { from: Object.fromEntries(from), to: Object.fromEntries(to) }
}

/**
 * What Spark would drop, by its own rules: each batch takes of each partition limit * unread / all
 * that is unread, rounded down, or up where that is below 1; after a batch the watermark is the
 * highest event time so far less the delay; what is not above it is dropped.
 */
function dropped(
  { partitions }: RandomLog,
  range: OffsetRange,
  delayMs: number,
  limits: readonly number[],
): LoggedEvent[] {
  const positions = partitions.map((_, partition) => Number(range.from[partition]))
  const ends = partitions.map((_, partition) => Number(range.to[partition]))
  const lost: LoggedEvent[] = []
  let watermarkMs = 0
  let highestMs = Number.NEGATIVE_INFINITY
  for (let batch = 0; ; batch++) {
    const unread = ends.map((end, partition) => end - (positions[partition] ?? 0))
    const all = unread.reduce((sum, count) => sum + count, 0)
    if (all === 0) return lost
    const limit = limits[batch % limits.length] as number
    for (const [partition, { records }] of partitions.entries()) {
      const share = limit * ((unread[partition] as number) / all)
      const taken = share < 1 ? Math.ceil(share) : Math.floor(share)
      const from = positions[partition] as number
      const to = Math.min(from + taken, ends[partition] as number)
      for (const event of records) {
        if (event.offset < from || event.offset >= to || !event.counts) continue
        if (event.eventTimeMs <= watermarkMs) lost.push(event)
        highestMs = Math.max(highestMs, event.eventTimeMs)
      }
      positions[partition] = to
    }
    watermarkMs = Math.max(watermarkMs, highestMs - delayMs)
  }
}

/**
 * The slack from every record's bounds, at positions that two steps between samples and a record for
 * each batch may have moved.
 */
function slackOfWholeLog(
  { source, partitions }: RandomLog,
  range: OffsetRange,
  { samplesMax, batchRecordsMax }: { samplesMax: number; batchRecordsMax: number },
): number {
  const ranges = partitions
    .map((held, partition) => partOf(held, range, partition))
    .filter(({ length }) => length > 0)
  const offsets = ranges.reduce((sum, { length }) => sum + length, 0)
  const perPartition = Math.max(2, Math.floor(samplesMax / Math.max(1, ranges.length)))
  const batches = Math.ceil(
    offsets / Math.max(batchRecordsMax - ranges.length, batchRecordsMax / 2),
  )
  let needMs = 0
  for (let percent = 0; percent <= 100; percent++) {
    let newestMs = Number.NEGATIVE_INFINITY
    let oldestMs = Number.POSITIVE_INFINITY
    for (const { length, events } of ranges) {
      // Samples fall on records: gaps between offsets make a step up to two offsets longer.
      const moved = batches + 2 + 2 * (length / (perPartition - 1) + 3) + length / 100
      const middle = (percent / 100) * length
      for (const { place, event } of events) {
        if (place <= middle + moved) newestMs = Math.max(newestMs, newestOf(event, source))
        if (place >= middle - moved) oldestMs = Math.min(oldestMs, oldestOf(event, source))
      }
    }
    needMs = Math.max(needMs, newestMs - oldestMs)
  }
  // Bounds of what is accepted reach over the disorder in which it comes, up and down.
  const { latenessMs, earlinessMs } = source
  return needMs + 1 + 2 * appendDelayMaxMs + latenessMs + earlinessMs
}

function partOf({ records }: LoggedPartition, range: OffsetRange, partition: number) {
  const from = Number(range.from[partition])
  const to = Number(range.to[partition])
  const events = records
    .filter(({ offset }) => offset >= from && offset < to)
    .map((event) => ({ place: event.offset - from, event }))
  return { length: to - from, events }
}

function newestOf({ headers, imported, acceptedMs }: LoggedEvent, source: StreamSource): number {
  const highestMs = Number(headers['kappa-import']?.split(';')[1])
  return imported ? highestMs : acceptedMs + source.earlinessMs
}

function oldestOf({ headers, imported, acceptedMs }: LoggedEvent, source: StreamSource): number {
  const highestMs = Number(headers['kappa-import']?.split(';')[1])
  return imported ? highestMs - source.importDisorderMaxMs : acceptedMs - source.latenessMs
}
