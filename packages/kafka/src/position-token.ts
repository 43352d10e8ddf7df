/** Next offset after what is meant, by topic and partition. */
export type Position = ReadonlyMap<string, ReadonlyMap<number, bigint>>

const version = 1
const textLengthMax = 65_536

/** Opaque text for a position in the log, safe in URLs and headers. */
export function encodePosition(position: Position): string {
  const topics = Object.fromEntries(
    [...position].map(([topic, offsets]) => [
      topic,
      Object.fromEntries([...offsets].map(([partition, next]) => [partition, String(next)])),
    ]),
  )
  return Buffer.from(JSON.stringify({ v: version, topics })).toString('base64url')
}

/** undefined for text that `encodePosition` did not make. */
export function decodePosition(text: string): Position | undefined {
  if (text.length > textLengthMax) return undefined
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (!isObject(json) || json.v !== version || !isObject(json.topics)) return undefined
  const position = new Map<string, Map<number, bigint>>()
  for (const [topic, offsets] of Object.entries(json.topics)) {
    if (!isObject(offsets)) return undefined
    const next = new Map<number, bigint>()
    for (const [partition, offset] of Object.entries(offsets)) {
      const valid = typeof offset === 'string' && /^\d{1,19}$/.test(offset)
      if (!valid || !/^\d{1,9}$/.test(partition)) return undefined
      next.set(Number(partition), BigInt(offset))
    }
    position.set(topic, next)
  }
  return position
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
