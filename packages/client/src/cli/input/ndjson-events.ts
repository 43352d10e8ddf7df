import { isUtf8 } from 'node:buffer'
import {
  InputEvent,
  type InputItem,
  InputProblem,
  inputEventBytesMax,
  shown,
} from './input-item.ts'

const lineFeed = 0x0a

/**
 * The events of newline-delimited JSON, each as the text that it is; ingest says what is wrong with
 * it. Blank lines are skipped. A line above the bound is told and passed over.
 *
 * @param parses whether lines are to be parsed here, because they go into another document
 */
export async function* ndjsonEvents(
  chunks: AsyncIterable<Buffer>,
  parses: boolean,
): AsyncGenerator<InputItem> {
  let number = 0
  let rest: Buffer[] = []
  let restBytes = 0
  const finish = (end: Buffer): InputItem | undefined => {
    number++
    const bytes = restBytes === 0 ? end : Buffer.concat([...rest, end])
    const length = restBytes + end.length
    rest = []
    restBytes = 0
    return toItem(bytes, length, number, parses)
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, start)) {
      const item = finish(chunk.subarray(start, at))
      start = at + 1
      if (item !== undefined) yield item
    }
    const left = chunk.subarray(start)
    restBytes += left.length
    // Of a line above the bound the beginning is kept, to be shown.
    if (restBytes <= inputEventBytesMax || rest.length === 0) rest.push(left)
  }
  const last = restBytes === 0 ? undefined : finish(Buffer.alloc(0))
  if (last !== undefined) yield last
}

function toItem(
  bytes: Buffer,
  length: number,
  line: number,
  parses: boolean,
): InputItem | undefined {
  const text = bytes.toString('utf8')
  if (length > inputEventBytesMax) {
    const message = `the line has ${length} bytes; the bound is ${inputEventBytesMax}`
    return new InputProblem(line, 'event_too_large', message, shown(text))
  }
  if (text.trim() === '') return undefined
  if (!isUtf8(bytes)) {
    return new InputProblem(line, 'malformed_json', 'the line is not valid UTF-8', shown(text))
  }
  const wrong = parses ? wrongJson(text) : undefined
  if (wrong === undefined) return new InputEvent(text, line)
  return new InputProblem(line, 'malformed_json', wrong, shown(text))
}

/** Why a text is not JSON; undefined when it is. */
export function wrongJson(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return `not valid JSON: ${(error as Error).message}`
  }
}
