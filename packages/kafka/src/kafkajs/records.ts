import type { IncomingRecord } from '../port.ts'

interface RawMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>
}

/** Of a header that is there several times, the last one counts. */
function headersOf(message: RawMessage): Record<string, Buffer> {
  const headers: Record<string, Buffer> = {}
  for (const name in message.headers) {
    const value = message.headers[name]
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined && last !== null) {
      headers[name] = typeof last === 'string' ? Buffer.from(last) : last
    }
  }
  return headers
}

export function toIncomingRecord(
  topic: string,
  partition: number,
  message: RawMessage,
): IncomingRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: headersOf(message),
  }
}
