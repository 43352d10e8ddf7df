import { isUtf8 } from 'node:buffer'
import { type Static, Type } from 'typebox'

export const shownPayload = Type.Object(
  {
    encoding: Type.Union([Type.Literal('json'), Type.Literal('text'), Type.Literal('base64')]),
    value: Type.Unknown({
      description:
        'json: the event. text: what is no JSON, or JSON with numbers that would lose digits. base64: what is no UTF-8.',
    }),
  },
  { title: 'Payload' },
)

export type ShownPayload = Static<typeof shownPayload>

/** How a payload is shown: nothing of what was received is lost or changed. */
export function showPayload(bytes: Buffer, truncated: boolean): ShownPayload {
  const text = decode(bytes, truncated)
  if (text === undefined) return { encoding: 'base64', value: bytes.toString('base64') }
  if (truncated) return { encoding: 'text', value: text }
  let exact = true
  try {
    const value: unknown = JSON.parse(
      text,
      (_key, part: unknown, context?: { source?: string }) => {
        const unsafe = typeof part === 'number' && !keepsDigits(part, context?.source ?? '')
        if (unsafe) exact = false
        return part
      },
    )
    return exact ? { encoding: 'json', value } : { encoding: 'text', value: text }
  } catch {
    // Rejected because it is no JSON, most likely.
    return { encoding: 'text', value: text }
  }
}

/** Whether a number written again has the digits that were received. */
function keepsDigits(number: number, source: string): boolean {
  if (!Number.isFinite(number)) return false
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
  return digits.replace(/0+$/, '').length <= 15 || Number.isSafeInteger(number)
}

function decode(bytes: Buffer, truncated: boolean): string | undefined {
  if (!truncated) return isUtf8(bytes) ? bytes.toString('utf8') : undefined
  try {
    // The bound may have cut a character in two: `stream` leaves it out.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}
