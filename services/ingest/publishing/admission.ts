import { randomUUIDv7 } from 'node:crypto'
import type { Contract } from '@kappa/contracts/contract'
import { formatDuration } from '@kappa/contracts/duration'
import type { EncodedEvent } from '@kappa/contracts/encoder'
import type { EventProblem } from '@kappa/contracts/event-problem'
import {
  acceptedHeader,
  formatImportMark,
  idHeader,
  importHeader,
} from '@kappa/contracts/record-headers'
import type { OutgoingRecord, Placement } from '@kappa/kafka/port'
import { type Envelope, type EventBatch, MalformedEvent } from '../bodies/event-batch.ts'
import type { ImportGate } from './import-gate.ts'
import type { EventResult, RejectedEvent } from './publish-schemas.ts'

/** Bytes of a record besides its key, value and given id: headers (that of a trace too), their names, Kafka's framing, at most. */
const recordOverheadBytes = 280
/** Lengths of a header's name and value as varints. */
const headerFramingBytes = 10
/** Problems told in one answer; beyond them each event tells its first one only. */
const problemsToldMax = 2_000

export interface AdmissionRules {
  /** Field of the event time, for paths in errors. */
  readonly eventTimeField: string
  /** How far in the future an event may be. */
  readonly earlinessMs: number
  readonly eventBytesMax: number
  /** Left out for live events. */
  readonly importing?: { readonly gate: ImportGate; readonly disorderMs: number }
}

/** What one request brings to the log. */
export interface Admission {
  readonly records: OutgoingRecord[]
  /** In the order of the events: why it is rejected, or which record it is and under which id. */
  readonly outcomes: readonly Outcome[]
}

export type Outcome = RejectedEvent | AdmittedEvent | PlacedEvent

export interface AdmittedEvent {
  readonly status: 'admitted'
  readonly id: string
  readonly record: number
}

/** In the log since an earlier request. */
export interface PlacedEvent extends Placement {
  readonly status: 'placed'
  readonly id: string
}

/** Checks each event by a version of its contract and encodes it. */
export function encodeEvents(
  { values }: EventBatch,
  contract: Contract,
  version: number,
): (EncodedEvent | RejectedEvent)[] {
  let told = 0
  return values.map((value) => {
    if (value instanceof MalformedEvent) return reject(value.code, value.message, value.path)
    const result = contract.encode(value, version)
    if (result.ok) return result
    const problems = told < problemsToldMax ? result.errors : result.errors.slice(0, 1)
    told += problems.length
    return rejectProblems(problems)
  })
}

/**
 * Decides which of the encoded events go to the log and makes their records: the rules that depend
 * on the time of acceptance, on the other events of the request and on the topic's import. An id
 * that comes again with the same content is written once; with another event time or content it is
 * rejected.
 *
 * @param acceptedMs now, epoch milliseconds: call it right before the records are sent.
 */
export function admitEvents(
  encoded: readonly (EncodedEvent | RejectedEvent)[],
  envelopes: EventBatch['envelopes'],
  rules: AdmissionRules,
  acceptedMs: number,
): Admission {
  const records: OutgoingRecord[] = []
  const outcomes: Outcome[] = []
  const firstById = new Map<string, number>()
  const accepted = String(acceptedMs)
  for (let index = 0; index < encoded.length; index++) {
    const event = encoded[index] as EncodedEvent | RejectedEvent
    if (!('ok' in event)) {
      outcomes.push(event)
      continue
    }
    const envelope = envelopes?.[index]
    const givenId = event.id ?? envelope?.id
    const firstAt = givenId === undefined ? undefined : firstById.get(givenId)
    if (firstAt !== undefined) {
      const first = encoded[firstAt] as EncodedEvent
      const same = first.value.equals(event.value)
      outcomes.push(same ? (outcomes[firstAt] as Outcome) : rejectSecond(`${givenId}`, firstAt))
      continue
    }
    const id = givenId ?? randomUUIDv7()
    const problem = checkSize(event, id, envelope, rules) ?? checkTime(event, rules, acceptedMs)
    if (problem !== undefined) {
      outcomes.push(problem)
      continue
    }
    let headers: Record<string, string>
    if (rules.importing === undefined) {
      headers = { [idHeader]: id, [acceptedHeader]: accepted }
    } else {
      const { gate, disorderMs } = rules.importing
      const highestMs = gate.admit(event.eventTimeMs, disorderMs)
      if (highestMs === undefined) {
        const placement = gate.placementOf(id)
        outcomes.push(
          placement === undefined
            ? rejectDisorder(event, rules, gate.highestMs, disorderMs)
            : { status: 'placed', id, ...placement },
        )
        continue
      }
      const mark = formatImportMark({ acceptedMs, highestMs, disorderMs })
      headers = { [idHeader]: id, [importHeader]: mark }
    }
    if (envelope !== undefined) Object.assign(headers, envelope.headers)
    if (givenId !== undefined) firstById.set(givenId, outcomes.length)
    outcomes.push({ status: 'admitted', id, record: records.length })
    records.push({ key: event.key, value: event.value, headers })
  }
  return { records, outcomes }
}

/** The answer's results once the records are in the log. */
export function placeEvents(
  outcomes: readonly Outcome[],
  placements: readonly Placement[],
): EventResult[] {
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') return outcome
    const { partition, offset } =
      outcome.status === 'placed' ? outcome : placementOf(outcome, placements)
    return { status: 'accepted', id: outcome.id, partition, offset: String(offset) }
  })
}

function placementOf({ record }: AdmittedEvent, placements: readonly Placement[]): Placement {
  const placement = placements[record]
  if (placement !== undefined) return placement
  throw new Error(`Kafka acknowledged ${placements.length} records, not record ${record}`)
}

function checkSize(
  event: EncodedEvent,
  id: string,
  envelope: Envelope | undefined,
  rules: AdmissionRules,
): RejectedEvent | undefined {
  let bytes = event.value.length + (event.key?.length ?? 0) + recordOverheadBytes
  for (const [name, value] of Object.entries(envelope?.headers ?? {})) {
    bytes += name.length + Buffer.byteLength(value) + headerFramingBytes
  }
  // Three bytes for each UTF-16 unit at most: spares counting the id of almost every event.
  if (bytes + 3 * id.length <= rules.eventBytesMax) return undefined
  const exact = bytes + Buffer.byteLength(id)
  if (exact <= rules.eventBytesMax) return undefined
  return reject(
    'event_too_large',
    `the event takes ${exact} bytes as a record; the bound is ${rules.eventBytesMax} bytes`,
    '$',
  )
}

function checkTime(
  event: EncodedEvent,
  rules: AdmissionRules,
  acceptedMs: number,
): RejectedEvent | undefined {
  if (event.eventTimeMs - acceptedMs <= rules.earlinessMs) return undefined
  return reject(
    'from_the_future',
    `${showTime(event.eventTimeMs)} is more than ${formatDuration(rules.earlinessMs)} after now (${showTime(acceptedMs)}), which is how early an event of this topic may be`,
    `$.${rules.eventTimeField}`,
  )
}

function rejectSecond(id: string, firstAt: number): RejectedEvent {
  return reject(
    'id_conflict',
    `the id "${id}" is that of event ${firstAt} of this request (counted from 0), with other content; an id belongs to one event`,
    '$',
  )
}

function rejectDisorder(
  event: EncodedEvent,
  rules: AdmissionRules,
  highestMs: number,
  disorderMs: number,
): RejectedEvent {
  return reject(
    'import_disorder',
    `${showTime(event.eventTimeMs)} is older than the highest event time imported so far (${showTime(highestMs)}) by more than the declared disorder of ${formatDuration(disorderMs)}; send the events ordered by time, or declare more disorder`,
    `$.${rules.eventTimeField}`,
  )
}

function rejectProblems(problems: readonly EventProblem[]): RejectedEvent {
  const [first, ...others] = problems.map(({ code, message, path }) => ({
    // One name for one bound, whichever part finds it.
    code: code === 'too_large' ? 'event_too_large' : code,
    message,
    path,
  }))
  if (first === undefined) throw new Error('an event was refused without a problem')
  return {
    status: 'rejected',
    error: others.length === 0 ? first : { ...first, others },
  }
}

function reject(code: string, message: string, path: string): RejectedEvent {
  return { status: 'rejected', error: { code, message, path } }
}

function showTime(epochMs: number): string {
  const date = new Date(epochMs)
  return Number.isNaN(date.getTime()) ? `${epochMs} ms since 1970` : date.toISOString()
}
