/**
 * Confluent's wire format: 0x00, the schema id as a big-endian int32, the Avro binary body.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
 */

const wireHeaderBytes = 5
const magicByte = 0

export interface WireMessage {
  readonly schemaId: number
  /** A view of the given bytes, not a copy. */
  readonly body: Buffer
}

/** Bytes are not in the wire format. */
export class WireFormatError extends Error {
  readonly code = 'bad_wire_format'

  constructor(message: string) {
    super(message)
    this.name = 'WireFormatError'
  }
}

/** A new buffer: header and a copy of the body. */
export function toWireFormat(schemaId: number, body: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(wireHeaderBytes + body.length)
  message[0] = magicByte
  message.writeInt32BE(schemaId, 1)
  message.set(body, wireHeaderBytes)
  return message
}

/** @throws WireFormatError naming what was found in place of the header. */
export function parseWireFormat(message: Buffer): WireMessage {
  if (message.length < wireHeaderBytes) {
    throw new WireFormatError(
      `expected at least ${wireHeaderBytes} bytes (0x00 and a schema id), got ${message.length}`,
    )
  }
  if (message[0] !== magicByte) {
    throw new WireFormatError(
      `expected the first byte to be 0x00, got 0x${message.toString('hex', 0, 1)}: not Confluent wire format`,
    )
  }
  return { schemaId: message.readInt32BE(1), body: message.subarray(wireHeaderBytes) }
}
