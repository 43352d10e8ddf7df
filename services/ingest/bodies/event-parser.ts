import { isUtf8 } from 'node:buffer'
import { ServiceError } from '@kappa/service/errors'
import { locateJsonError } from './json-error.ts'
import type { BodyFormat } from './media-type.ts'

/** Stands in the place of an NDJSON line that is not JSON. */
export class MalformedLine {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

const lineFeed = 0x0a

/**
 * The events of a body, in its order: JSON values, with a `MalformedLine` for each NDJSON line that
 * cannot be parsed.
 *
 * @throws ServiceError `no_events`, `batch_too_large` (bound in the message), or `malformed_json`
 *   (with line and column) when a JSON body is malformed as a whole.
 */
export function parseEvents(body: Buffer, format: BodyFormat, eventsMax: number): unknown[] {
  const events = format === 'ndjson' ? parseLines(body, eventsMax) : parseJson(body, eventsMax)
  if (events.length === 0) {
    throw new ServiceError('no_events', 'The body holds no events. Send at least one.')
  }
  return events
}

function parseJson(body: Buffer, eventsMax: number): unknown[] {
  if (!isUtf8(body)) throw new ServiceError('malformed_json', 'The body is not valid UTF-8.')
  const text = body.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the body and does not always have the place.
    if (text.trim() === '') return []
    const { what, line, column } = locateJsonError(text)
    throw new ServiceError(
      'malformed_json',
      `The body is not valid JSON: ${what} at line ${line}, column ${column}. Nothing of it was written.`,
    )
  }
  if (!Array.isArray(value)) return [value]
  if (value.length > eventsMax) throw batchTooLarge(eventsMax)
  return value
}

function parseLines(body: Buffer, eventsMax: number): unknown[] {
  const events: unknown[] = []
  const wellFormed = isUtf8(body)
  let number = 0
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(lineFeed, start)
    const end = found < 0 ? body.length : found
    number++
    const bytes = body.subarray(start, end)
    start = end + 1
    if (isBlank(bytes)) continue
    if (events.length === eventsMax) throw batchTooLarge(eventsMax)
    events.push(
      wellFormed || isUtf8(bytes)
        ? parseLine(bytes.toString('utf8'), number)
        : new MalformedLine(`Line ${number} is not valid UTF-8.`),
    )
  }
  return events
}

function parseLine(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // As above: the place is found without the parser's message.
    const { what, column } = locateJsonError(text)
    return new MalformedLine(`Line ${number} is not valid JSON: ${what} at column ${column}.`)
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false
  }
  return true
}

function batchTooLarge(eventsMax: number): ServiceError {
  return new ServiceError(
    'batch_too_large',
    `The request has more events than the bound of ${eventsMax}. Nothing of it was written; send the events in several requests.`,
  )
}
