import { isUtf8 } from 'node:buffer'
import { applyPatch, type JsonPatch, PatchError } from './json-patch.ts'
import type { RejectionEntry } from './rejection-entry.ts'

/** How a rejected event is to be made right; nothing given: send it again as it was received. */
export interface Fix {
  readonly patch?: JsonPatch | undefined
  /** The event in its place. */
  readonly payload?: unknown
  /** Version of the contract; left out: the newest publishable one. */
  readonly version?: number | undefined
}

export type FixErrorCode =
  | 'payload_truncated'
  | 'payload_not_json'
  | 'patch_failed'
  | 'event_too_large'

/** Why there is nothing to publish. */
export class FixError extends Error {
  readonly code: FixErrorCode

  constructor(code: FixErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** What is to be published: its text and what it says. */
export interface FixedEvent {
  readonly bytes: Buffer
  readonly value: unknown
  /** The bytes are those received. */
  readonly asReceived: boolean
}

/**
 * @param stored what is kept of the payload
 * @param bytesMax bound on the fixed event as JSON text
 * @throws FixError
 */
export function fixEvent(
  entry: Pick<RejectionEntry, 'truncated' | 'payloadBytes'>,
  stored: Buffer,
  fix: Fix,
  bytesMax: number,
): FixedEvent {
  if (fix.payload !== undefined) return written(fix.payload, bytesMax)
  if (entry.truncated) {
    throw new FixError(
      'payload_truncated',
      `Only ${stored.length} of the event's ${entry.payloadBytes} bytes are kept, so it cannot be sent again as it was. Give the whole event as "payload".`,
    )
  }
  const value = parse(stored)
  if (fix.patch === undefined) return { bytes: stored, value, asReceived: true }
  try {
    return written(applyPatch(value, fix.patch, bytesMax), bytesMax)
  } catch (error) {
    if (!(error instanceof PatchError)) throw error
    throw new FixError('patch_failed', `The patch does not fit the event: ${error.message}.`, {
      cause: error,
    })
  }
}

/** The event of bytes that were published before. */
export function readFixed(bytes: Buffer): FixedEvent {
  return { bytes, value: parse(bytes), asReceived: false }
}

function parse(bytes: Buffer): unknown {
  try {
    if (isUtf8(bytes)) return JSON.parse(bytes.toString('utf8')) as unknown
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new FixError(
    'payload_not_json',
    'What was received is not JSON, so it can neither be patched nor sent again as it was. Give the event as "payload".',
  )
}

function written(value: unknown, bytesMax: number): FixedEvent {
  let text: string
  try {
    text = JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new FixError('patch_failed', 'The event is nested too deeply.', { cause: error })
  }
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return { bytes, value, asReceived: false }
  throw new FixError(
    'event_too_large',
    `The event takes ${bytes.length} bytes as JSON; the bound is ${bytesMax} bytes.`,
  )
}
