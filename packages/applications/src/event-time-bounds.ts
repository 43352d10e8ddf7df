import { acceptedHeader, importHeader, parseImportMark } from '@kappa/contracts/record-headers'
import type { StreamSource } from './stream-plan.ts'

/** Of a record of a stream's topic, what is known without its value. */
export interface AcceptedRecord {
  readonly headers: Readonly<Record<string, Buffer>>
  /** Epoch milliseconds. */
  readonly timestamp: number
}

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
  record: AcceptedRecord,
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

function textOf({ headers }: AcceptedRecord, name: string): string {
  return headers[name]?.toString() ?? ''
}
