import { appendDelayMaxMs, type StreamSource } from '@kappa/applications/stream-plan'
import fc from 'fast-check'
import type { FakePartition, FakeRecord } from './fake-log.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

export interface LoggedEvent extends FakeRecord {
  readonly imported: boolean
  readonly eventTimeMs: number
  /** By which Spark judges it. */
  readonly acceptedMs: number
  /** By the lateness rule. */
  readonly counts: boolean
  /** Its place among the events of all partitions, as they were written. */
  readonly sequence: number
}

export interface LoggedPartition extends FakePartition {
  readonly records: readonly LoggedEvent[]
}

export interface RandomLog {
  readonly source: StreamSource
  readonly partitions: readonly LoggedPartition[]
}

export function streamSource(changes: Partial<StreamSource> = {}): StreamSource {
  return {
    name: 'delays',
    topic: 'delays',
    eventTime: 'at',
    latenessMs: 10 * minuteMs,
    earlinessMs: 5 * minuteMs,
    importDisorderMaxMs: hourMs,
    columns: [],
    versions: [],
    readerSchema: '',
    ...changes,
  }
}

/** Fractions from 0 up to 1 that stand for everything that happens to one event. */
interface Chances {
  readonly partition: number
  readonly gap: number
  readonly time: number
  readonly way: number
  readonly marks: number
}

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const chances = fc.record({
  partition: fraction,
  gap: fraction,
  time: fraction,
  way: fraction,
  marks: fraction,
})

/**
 * Logs as ingest writes them: an import in hours of disorder, then live events of which some are late,
 * some come without headers, and which reach the log minutes after they were accepted. Partitions
 * are skewed, and offsets have gaps.
 */
export const randomLogs: fc.Arbitrary<RandomLog> = fc
  .record({
    partitions: fc.integer({ min: 1, max: 5 }),
    skew: fc.double({ min: 1, max: 6, noNaN: true }),
    latenessMs: fc.constantFrom(0, minuteMs, 3 * hourMs),
    earlinessMs: fc.constantFrom(0, 5 * minuteMs),
    importDisorderMaxMs: fc.constantFrom(0, hourMs, 30 * hourMs),
    importGapMs: fc.constantFrom(1, minuteMs, 24 * hourMs),
    liveGapMs: fc.constantFrom(1, minuteMs, 24 * hourMs),
    delayMaxMs: fc.constantFrom(0, appendDelayMaxMs),
    /** Higher: most events come at one time, with few but long pauses. */
    pauses: fc.constantFrom(1, 4, 20),
    gapChance: fc.constantFrom(0, 0.1, 0.5),
    imported: fc.array(chances, { maxLength: 200, size: 'max' }),
    live: fc.array(chances, { maxLength: 200, size: 'max' }),
  })
  .map((plan) => {
    const { latenessMs, earlinessMs, importDisorderMaxMs, skew, gapChance } = plan
    const source = streamSource({ latenessMs, earlinessMs, importDisorderMaxMs })
    const writers = Array.from({ length: plan.partitions }, () => new PartitionWriter(gapChance))
    let sequence = 0
    const write: Write = (chance, event) => {
      const partition = Math.floor(writers.length * chance.partition ** skew)
      writers[partition]?.write(chance.marks, { ...event, sequence: sequence++ })
    }
    const startMs = Date.parse('2013-01-01T00:00:00Z')
    const { importGapMs, liveGapMs, delayMaxMs, pauses } = plan
    const importGap = ({ gap }: Chances) => Math.floor(2 * importGapMs * pauses * gap ** pauses)
    const acceptedMs = writeImport(plan.imported, startMs, importGap, source, write)
    const liveGap = ({ gap }: Chances) => Math.floor(2 * liveGapMs * pauses * gap ** pauses)
    writeLive(plan.live, { startMs: acceptedMs, gapMs: liveGap, delayMaxMs }, source, write)
    return { source, partitions: writers.map((writer) => writer.close()) }
  })

type Write = (chance: Chances, event: Omit<LoggedEvent, 'offset' | 'sequence'>) => void

function writeImport(
  events: readonly Chances[],
  startMs: number,
  gapMs: (chance: Chances) => number,
  { importDisorderMaxMs }: StreamSource,
  write: Write,
): number {
  // Imported at once, after all of it happened.
  const acceptedMs = events.reduce((sum, chance) => sum + gapMs(chance), startMs)
  let highestMs = startMs
  for (const chance of events) {
    const disorderMs = Math.floor(chance.way * importDisorderMaxMs)
    const span = disorderMs + gapMs(chance)
    const eventTimeMs = highestMs - disorderMs + Math.floor(span * chance.time)
    highestMs = Math.max(highestMs, eventTimeMs)
    const headers = { 'kappa-import': `${acceptedMs};${highestMs};${disorderMs}` }
    const event = { eventTimeMs, acceptedMs, imported: true, counts: true }
    write(chance, { ...event, timestamp: acceptedMs, headers })
  }
  return acceptedMs
}

interface LiveTimes {
  readonly startMs: number
  readonly gapMs: (chance: Chances) => number
  /** From the accept time to the place in the log. */
  readonly delayMaxMs: number
}

function writeLive(
  events: readonly Chances[],
  { startMs, gapMs, delayMaxMs }: LiveTimes,
  { latenessMs, earlinessMs }: StreamSource,
  write: Write,
): void {
  let nowMs = startMs
  const sent = events.map((chance) => {
    nowMs += gapMs(chance)
    return { chance, sentMs: nowMs, appendedMs: nowMs + Math.floor(chance.way * delayMaxMs) }
  })
  // The log has them in the order in which they reached it.
  sent.sort((one, other) => one.appendedMs - other.appendedMs)
  for (const { chance, sentMs, appendedMs } of sent) {
    const headless = chance.marks > 0.8
    const acceptedMs = headless ? appendedMs : sentMs
    // One in ten is too late or too early.
    const from = acceptedMs - latenessMs * 1.1
    const eventTimeMs = Math.floor(from + chance.time * 1.2 * (latenessMs + earlinessMs))
    const counts = eventTimeMs >= acceptedMs - latenessMs && eventTimeMs <= acceptedMs + earlinessMs
    const headers: Record<string, string> = headless ? {} : { 'kappa-accepted': `${acceptedMs}` }
    const event = { eventTimeMs, acceptedMs, imported: false, counts }
    write(chance, { ...event, timestamp: appendedMs, headers })
  }
}

class PartitionWriter {
  readonly #records: LoggedEvent[] = []
  readonly #gapChance: number
  #next = 0

  constructor(gapChance: number) {
    this.#gapChance = gapChance
  }

  write(chance: number, event: Omit<LoggedEvent, 'offset'>): void {
    this.#records.push({ ...event, offset: this.#next })
    this.#next += chance < this.#gapChance ? 3 : 1
  }

  close(): LoggedPartition {
    return { begin: 0, end: this.#next, records: this.#records }
  }
}
