import { randomFillSync } from 'node:crypto'

const bytes = Buffer.alloc(16)

/** A time-ordered random UUID (RFC 9562, 5.7); Node.js has one of its own only since 24. */
export function uuidV7(nowMs = Date.now()): string {
  randomFillSync(bytes)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = 0x70 | (bytes.readUInt8(6) & 0x0f)
  bytes[8] = 0x80 | (bytes.readUInt8(8) & 0x3f)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
