import type { IncomingMessage } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { ServiceError } from '@kappa/service/errors'
import { ChunkBuffer } from './chunk-buffer.ts'
import { bodyFailure, decodedBody } from './content-encoding.ts'
import { dropRest } from './request-body.ts'

export interface LineBounds {
  /** About how many bytes of lines come together. */
  readonly chunkBytes: number
  readonly lineBytesMax: number
  /** Lines that come together, however short they are. */
  readonly linesMax: number
  /** Longest wait for the body's next byte. */
  readonly idleTimeoutMs: number
}

export interface LineChunk {
  /** Whole lines. */
  readonly bytes: Buffer
  /** Number of the first one, from 1. */
  readonly firstLine: number
}

const lineFeed = 0x0a
/** How long whole lines wait for more to come with them. */
const lingerMs = 100

/**
 * Reads a body of lines in chunks of whole lines, and no faster than they are taken.
 *
 * @throws ServiceError `body_too_large` for a line above its bound, `request_timeout`,
 *   `malformed_encoding`, `unsupported_media_type`, or `bad_request` when the client went away.
 */
export async function* lineChunks(
  request: IncomingMessage,
  bounds: LineBounds,
): AsyncGenerator<LineChunk> {
  const source = decodedBody(request)
  const parts = source.iterator({ destroyOnReturn: false })
  const upcomingPart = () => {
    const upcoming = parts.next()
    // Whoever takes chunks may be busy for long while it fails: it is heard of with the next one.
    upcoming.catch(() => undefined)
    return upcoming
  }
  const pending = new ChunkBuffer()
  let hasLine = false
  let firstLine = 1
  let isRead = false
  try {
    let upcoming = upcomingPart()
    for (;;) {
      const next = await within(upcoming, hasLine ? lingerMs : bounds.idleTimeoutMs)
      if (next === undefined && !hasLine) throw stalled(bounds.idleTimeoutMs)
      if (next?.done) break
      if (next !== undefined) {
        const part = next.value as Buffer
        pending.add(part)
        hasLine ||= part.includes(lineFeed)
        upcoming = upcomingPart()
        // Only whole lines are put together: a long one that comes in small parts is not, each time.
        if (hasLine ? pending.length < bounds.chunkBytes : pending.length <= bounds.lineBytesMax) {
          continue
        }
      }
      const whole = pending.take()
      const end = whole.lastIndexOf(lineFeed) + 1
      const rest = whole.subarray(end)
      pending.add(rest)
      hasLine = false
      yield* portions(whole.subarray(0, end))
      if (rest.length > bounds.lineBytesMax) throw lineTooLong(bounds.lineBytesMax, firstLine)
    }
    isRead = true
    yield* portions(pending.take())
  } catch (error) {
    throw bodyFailure(request, error)
  } finally {
    if (source !== request) source.destroy()
    if (!isRead) dropRest(request)
  }

  async function* portions(lines: Buffer): AsyncGenerator<LineChunk> {
    for (const bytes of splitLines(lines, bounds.linesMax)) {
      yield { bytes, firstLine }
      firstLine += countLines(bytes)
      // Chunks that are all rejected wait for nothing: without this, others would wait for all.
      await setImmediate()
    }
  }
}

/** Parts of at most so many lines each. */
function* splitLines(lines: Buffer, linesMax: number): Generator<Buffer> {
  for (let start = 0; start < lines.length; ) {
    let end = start
    for (let n = 0; n < linesMax && end < lines.length; n++) {
      const found = lines.indexOf(lineFeed, end)
      end = found < 0 ? lines.length : found + 1
    }
    yield lines.subarray(start, end)
    start = end
  }
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count++
  return count
}

/** undefined when the time is over. */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), timeoutMs)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function stalled(timeoutMs: number): ServiceError {
  return new ServiceError(
    'request_timeout',
    `No byte of the body arrived for ${timeoutMs} ms. Send the events without a result again.`,
  )
}

function lineTooLong(lineBytesMax: number, line: number): ServiceError {
  return new ServiceError(
    'body_too_large',
    `Line ${line} is longer than the bound of ${lineBytesMax} bytes. It and what follows was not written.`,
  )
}
