import { isUtf8 } from 'node:buffer'
import {
  InputError,
  InputEvent,
  type InputItem,
  InputProblem,
  inputEventBytesMax,
  shown,
} from './input-item.ts'
import { wrongJson } from './ndjson-events.ts'

const code = (character: string) => character.charCodeAt(0)
const [quote, backslash, lineFeed] = [code('"'), code('\\'), code('\n')]
const [comma, openArray, closeArray] = [code(','), code('['), code(']')]
const [openObject, closeObject] = [code('{'), code('}')]

/**
 * The events of JSON of any size, pretty-printed or not: the items of an array, or objects one
 * after the other. Finds where each value begins and ends without parsing the whole.
 *
 * @throws InputError the array does not end, or something is between the events
 */
export async function* jsonValues(chunks: AsyncIterable<Buffer>): AsyncGenerator<InputItem> {
  const splitter = new ValueSplitter()
  for await (const chunk of chunks) yield* splitter.add(chunk)
  yield* splitter.end()
}

/** Finds the values on the level of the events, byte by byte. */
class ValueSplitter {
  #line = 1
  #inArray = false
  #wasArray = false
  /** Level of nesting within the value at hand; 0 between values. */
  #depth = 0
  #inText = false
  #escaped = false
  #startLine = 1
  #parts: Buffer[] = []
  #bytes = 0
  /** A value without brackets, which a comma, a bracket or white space ends. */
  #scalar = false

  #inValue(): boolean {
    return this.#depth > 0 || this.#inText || this.#scalar
  }

  *add(chunk: Buffer): Generator<InputItem> {
    let start = this.#inValue() ? 0 : -1
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (byte === lineFeed) this.#line++
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false
        else if (byte === backslash) this.#escaped = true
        else if (byte === quote) this.#inText = false
        continue
      }
      if (!this.#inValue()) {
        if (!this.#begins(byte)) continue
        start = at
      }
      if (
        this.#scalar &&
        this.#depth === 0 &&
        (isSpace(byte) || byte === comma || byte === closeArray)
      ) {
        yield this.#finish(chunk.subarray(start, at))
        start = -1
        if (byte === closeArray) this.#leaveArray()
        continue
      }
      if (byte === quote) this.#inText = true
      else if (byte === openObject || byte === openArray) this.#depth++
      else if (byte === closeObject || byte === closeArray) {
        this.#depth--
        if (this.#depth <= 0) {
          yield this.#finish(chunk.subarray(start, at + 1))
          start = -1
        }
      }
    }
    if (start >= 0) this.#keep(chunk.subarray(start))
  }

  *end(): Generator<InputItem> {
    if (this.#inValue() && (this.#depth > 0 || this.#inText)) {
      throw new InputError(`the JSON value that begins on line ${this.#startLine} does not end`)
    }
    if (this.#inValue()) yield this.#finish(Buffer.alloc(0))
    if (this.#inArray) throw new InputError(`the JSON array does not end (line ${this.#line})`)
  }

  /** Whether a byte between values begins one. */
  #begins(byte: number): boolean {
    if (isSpace(byte)) return false
    if (byte === comma && this.#inArray) return false
    if (byte === closeArray && this.#inArray) {
      this.#leaveArray()
      return false
    }
    if (byte === openArray && !this.#inArray && !this.#wasArray) {
      this.#inArray = true
      return false
    }
    if (this.#wasArray) {
      throw new InputError(`line ${this.#line}: the array of events is followed by something`)
    }
    this.#startLine = this.#line
    this.#scalar = byte !== openObject && byte !== openArray
    return true
  }

  #leaveArray(): void {
    this.#inArray = false
    this.#wasArray = true
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length
    if (this.#bytes > inputEventBytesMax) {
      throw new InputError(
        `the JSON value that begins on line ${this.#startLine} has more than ${inputEventBytesMax} bytes, which is the bound`,
      )
    }
    this.#parts.push(part)
  }

  #finish(end: Buffer): InputItem {
    this.#keep(end)
    const bytes = this.#parts.length === 1 ? end : Buffer.concat(this.#parts)
    this.#parts = []
    this.#bytes = 0
    this.#depth = 0
    this.#scalar = false
    const text = bytes.toString('utf8')
    const wrong = isUtf8(bytes) ? wrongJson(text) : 'not valid UTF-8'
    if (wrong !== undefined) {
      return new InputProblem(this.#startLine, 'malformed_json', wrong, shown(text))
    }
    // Valid JSON has line feeds between its tokens only, where a space means the same.
    return new InputEvent(text.replaceAll('\n', ' '), this.#startLine)
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
