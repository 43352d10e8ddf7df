import { StringDecoder } from 'node:string_decoder'
import { ConnectionError } from './errors.ts'

export interface ServerSentEvent {
  /** `message` when the server names none. */
  readonly event: string
  readonly data: string
  /** Its own; undefined when it has none, whatever those before it had. */
  readonly id: string | undefined
}

/** Longest event, and longest line of one. */
export const eventCharactersMax = 8 * 1_048_576

/**
 * Reads a stream of server-sent events (WHATWG HTML, 9.2.6). Comments and the server's wish for when to
 * reconnect are left out; an event that the end of the stream cuts off is dropped.
 *
 * @throws ConnectionError `no_answer` an event is longer than `eventCharactersMax`
 */
export async function* serverSentEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  let event = ''
  let data: string[] = []
  let id: string | undefined
  let length = 0
  for await (const line of lines(chunks)) {
    if (line === '') {
      if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), id }
      event = ''
      data = []
      id = undefined
      length = 0
      continue
    }
    const [field, value] = splitField(line)
    if (field === 'event') event = value
    // One with a NUL is none.
    if (field === 'id' && !value.includes('\0')) id = value
    if (field !== 'data') continue
    length += value.length
    if (length > eventCharactersMax) throw tooLong()
    data.push(value)
  }
}

/** A line without a colon is a name without a value; one space after the colon is not of the value. */
function splitField(line: string): [string, string] {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  return [line.slice(0, colon), line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)]
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest: string[] = []
  let length = 0
  let first = true
  let afterReturn = false
  for await (const chunk of chunks) {
    let text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (text === '') continue
    // A line feed that belongs to the carriage return before it.
    if (afterReturn && text.startsWith('\n')) text = text.slice(1)
    afterReturn = text === '' ? false : text.endsWith('\r')
    if (first) text = text.replace(/^\uFEFF/, '')
    first = false
    const parts = text.split(/\r\n|\r|\n/)
    for (const [index, part] of parts.entries()) {
      length += part.length
      if (length > eventCharactersMax) throw tooLong()
      rest.push(part)
      if (index === parts.length - 1) break
      yield rest.join('')
      rest = []
      length = 0
    }
  }
}

function tooLong(): ConnectionError {
  return new ConnectionError(
    'no_answer',
    `an event is longer than ${eventCharactersMax} characters`,
  )
}
