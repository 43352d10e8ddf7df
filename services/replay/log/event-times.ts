import { appendDelayMaxMs, type StreamSource } from '@kappa/applications/stream-plan'
import { acceptedHeader, importHeader, parseImportMark } from '@kappa/contracts/record-headers'
import type { IncomingRecord } from '@kappa/kafka/port'

/** What the headers of a record say about the event time that is in its value, in epoch milliseconds. */
export interface EventTimeBounds {
  readonly imported: boolean
  readonly acceptedMs: number
  /** An event that counts is not older. */
  readonly lowestMs: number
  /** An event that counts is not newer, but for a fraction of the last millisecond. */
  readonly highestMs: number
}

/**
 * Bounds of a record's event time, if the lateness rule (see `planStream`) lets it count. A record
 * without a valid mark of an import is a live one, as ingest takes it.
 */
export function eventTimeBounds(
  record: Pick<IncomingRecord, 'headers' | 'timestamp'>,
  source: Pick<StreamSource, 'latenessMs' | 'earlinessMs'>,
): EventTimeBounds {
  const mark = parseImportMark(textOf(record, importHeader))
  if (mark !== undefined) {
    const { acceptedMs, highestMs, disorderMs } = mark
    return { imported: true, acceptedMs, lowestMs: highestMs - disorderMs, highestMs }
  }
  const accepted = textOf(record, acceptedHeader)
  const acceptedMs = /^-?\d{1,16}$/.test(accepted) ? Number(accepted) : record.timestamp
  return {
    imported: false,
    acceptedMs,
    lowestMs: acceptedMs - source.latenessMs,
    highestMs: acceptedMs + source.earlinessMs,
  }
}

/**
 * No event that counts, in this record or before it in its partition, is newer. An import's mark
 * tells the highest event time up to it, and no live event comes before it. A live event comes after
 * imports, which were no more from the future than it is, and after live events that were accepted
 * at most `appendDelayMaxMs` later.
 */
export function newestUpTo({ imported, highestMs }: EventTimeBounds): number {
  return imported ? highestMs : highestMs + appendDelayMaxMs
}

/**
 * No event that counts, in this record or after it in its partition, is older. The highest event
 * time of an import never falls, and events after it may be older by the largest disorder that an
 * import may declare; live events after it were accepted at most `appendDelayMaxMs` earlier.
 *
 * @param liveFollows whether there may be live events after it
 */
export function oldestFrom(
  { imported, acceptedMs, lowestMs, highestMs }: EventTimeBounds,
  source: Pick<StreamSource, 'latenessMs' | 'importDisorderMaxMs'>,
  liveFollows: boolean,
): number {
  const oldestLiveMs = acceptedMs - appendDelayMaxMs - source.latenessMs
  if (!imported) return oldestLiveMs
  const oldestImportedMs = Math.min(lowestMs, highestMs - source.importDisorderMaxMs)
  return liveFollows ? Math.min(oldestImportedMs, oldestLiveMs) : oldestImportedMs
}

function textOf({ headers }: Pick<IncomingRecord, 'headers'>, name: string): string {
  return headers[name]?.toString() ?? ''
}
