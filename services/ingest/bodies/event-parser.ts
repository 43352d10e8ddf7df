import { isUtf8 } from 'node:buffer'
import { ServiceError } from '@kappa/service/errors'
import { type EventBatch, MalformedEvent } from './event-batch.ts'
import { exceededBound } from './json-bounds.ts'
import { locateJsonError } from './json-error.ts'
import { elementSpans, type Span } from './json-spans.ts'

const lineFeed = 0x0a

/**
 * The events of a JSON body: of an array its elements, else the one value.
 *
 * @throws ServiceError `no_events`, `batch_too_large` (bound in the message), or `malformed_json`
 *   (with line and column) when the body is malformed.
 */
export function parseJsonEvents(body: Buffer, eventsMax: number): EventBatch {
  const value = parseJson(body, eventsMax)
  if (!Array.isArray(value)) return { values: [value], payload: () => body }
  if (value.length === 0) throw noEvents()
  if (value.length > eventsMax) throw batchTooLarge(eventsMax)
  let spans: readonly Span[] | undefined
  return {
    values: value,
    payload: (index) => {
      spans ??= elementSpans(body)
      return body.subarray(...(spans[index] ?? [0, 0]))
    },
  }
}

/**
 * @param eventsMax when given, an array is one of events
 * @throws ServiceError `no_events` for blank text, `malformed_json` with line and column, or
 *   `batch_too_large`, `event_too_large` for what need not be parsed to know that
 */
export function parseJson(body: Buffer, eventsMax?: number): unknown {
  if (!isUtf8(body)) throw new ServiceError('malformed_json', 'The body is not valid UTF-8.')
  const exceeded = exceededBound(body, eventsMax)
  if (exceeded?.code === 'batch_too_large') throw batchTooLarge(eventsMax ?? 1)
  if (exceeded !== undefined) {
    const message = `The body ${exceeded.message}. Nothing of it was written.`
    throw new ServiceError(exceeded.code, message)
  }
  const text = body.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the body and does not always have the place.
    if (text.trim() === '') throw noEvents()
    const { what, line, column } = locateJsonError(text)
    throw new ServiceError(
      'malformed_json',
      `The body is not valid JSON: ${what} at line ${line}, column ${column}. Nothing of it was written.`,
    )
  }
}

/**
 * The events of an NDJSON body or of a part of it that ends at the end of a line: a `MalformedEvent`
 * for each line that cannot be parsed; blank lines are skipped.
 *
 * @param firstLine number of the first line, for messages
 * @throws ServiceError `batch_too_large` (bound in the message)
 */
export function parseLines(body: Buffer, eventsMax: number, firstLine = 1): EventBatch {
  const values: unknown[] = []
  const lines: Buffer[] = []
  const wellFormed = isUtf8(body)
  let number = firstLine - 1
  for (let start = 0; start < body.length; ) {
    number++
    if (body[start] === lineFeed) {
      start++
      continue
    }
    const found = body.indexOf(lineFeed, start)
    const end = found < 0 ? body.length : found
    const bytes = body.subarray(start, end)
    start = end + 1
    if (isBlank(bytes)) continue
    if (values.length === eventsMax) throw batchTooLarge(eventsMax)
    lines.push(bytes)
    values.push(
      wellFormed || isUtf8(bytes)
        ? parseLine(bytes, number)
        : new MalformedEvent('malformed_json', `Line ${number} is not valid UTF-8.`),
    )
  }
  return { values, payload: (index) => lines[index] ?? Buffer.alloc(0) }
}

function parseLine(bytes: Buffer, number: number): unknown {
  const exceeded = exceededBound(bytes)
  if (exceeded !== undefined) {
    const code = exceeded.code === 'malformed_json' ? exceeded.code : 'event_too_large'
    return new MalformedEvent(code, `Line ${number} ${exceeded.message}.`)
  }
  const text = bytes.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    // As above: the place is found without the parser's message.
    const { what, column } = locateJsonError(text)
    const message = `Line ${number} is not valid JSON: ${what} at column ${column}.`
    return new MalformedEvent('malformed_json', message)
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false
  }
  return true
}

export function noEvents(): ServiceError {
  return new ServiceError('no_events', 'The body holds no events. Send at least one.')
}

function batchTooLarge(eventsMax: number): ServiceError {
  return new ServiceError(
    'batch_too_large',
    `The request has more events than the bound of ${eventsMax}. Nothing of it was written; send the events in several requests, or as application/x-ndjson with "accept: application/x-ndjson", which may be of any length.`,
  )
}
