import { crc32c } from '../crc32c.ts'
import type { OutgoingRecord } from '../port.ts'

/**
 * Kafka's Produce request, version 7, written in one buffer: the libraries' own make several buffers
 * a record, and of the answers kafkajs tells one partition's error only.
 * Layout: https://kafka.apache.org/protocol (Produce) and
 * https://kafka.apache.org/documentation/#recordbatch.
 */

export const PRODUCE_API_KEY = 0
export const PRODUCE_VERSION = 7
const ACKS_ALL = -1
const MAGIC = 2
const BATCH_HEADER_BYTES = 61
const REQUEST_OVERHEAD_BYTES = 64
/** Varints of the record's length and of its offset in the batch. */
const PREFIXES_BYTES_MAX = 5 + 5
const ATTRIBUTES_AND_TIME_BYTES = 2
/** Zigzag takes one bit of the seven. */
const ONE_BYTE_LENGTH_MAX = 63
const ENCODED_NAMES_MAX = 1_000
const NO_HEADERS: NonNullable<OutgoingRecord['headers']> = {}

export interface SizedMessage {
  readonly record: OutgoingRecord
  /** What `recordBytes` says of it. */
  readonly bytes: number
}

export interface PartitionAnswer {
  readonly partition: number
  readonly error: Error | undefined
  readonly baseOffset: bigint
}

/** What makes the records part of a transaction. */
export interface ProducerState {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of the first record, by partition. */
  readonly sequences: ReadonlyMap<number, number>
}

const TRANSACTIONAL = 0b1_0000

class Writer {
  readonly buffer: Buffer
  at = 0

  constructor(bytesMax: number) {
    this.buffer = Buffer.allocUnsafe(bytesMax)
  }

  int8(value: number): void {
    this.at = this.buffer.writeInt8(value, this.at)
  }

  int16(value: number): void {
    this.at = this.buffer.writeInt16BE(value, this.at)
  }

  int32(value: number): void {
    this.at = this.buffer.writeInt32BE(value, this.at)
  }

  int64(value: bigint): void {
    this.at = this.buffer.writeBigInt64BE(value, this.at)
  }

  /** int16 length and the text; undefined is null. */
  string(value: string | undefined): void {
    this.int16(value === undefined ? -1 : Buffer.byteLength(value))
    if (value !== undefined) this.at += this.buffer.write(value, this.at)
  }

  /** Zigzag, seven bits a byte. */
  varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.buffer[this.at++] = rest
  }

  bytes(value: Buffer | string | null): void {
    if (value === null) {
      this.varint(-1)
    } else if (typeof value === 'string') {
      this.#text(value)
    } else {
      this.varint(value.length)
      this.raw(value)
    }
  }

  raw(value: Buffer): void {
    this.buffer.set(value, this.at)
    this.at += value.length
  }

  #text(value: string): void {
    if (value.length <= ONE_BYTE_LENGTH_MAX && this.#ascii(value)) return
    this.varint(Buffer.byteLength(value))
    this.at += this.buffer.write(value, this.at)
  }

  /** Short ASCII is what ids and times are; a loop beats the call into C++ there. */
  #ascii(value: string): boolean {
    const { length } = value
    const { buffer } = this
    let at = this.at
    buffer[at++] = length << 1
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return false
      buffer[at++] = code
    }
    this.at = at
    return true
  }
}

function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  return zigzag < 0x10000000 ? 4 : 5
}

function sizeOf(value: Buffer | string | null): number {
  if (value === null) return 1
  const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length
  return varintBytes(length) + length
}

const encodedNames = new Map<string, Buffer>()

/** A header's name with its length, as it is written: producers repeat a few of them. */
function encodedName(name: string): Buffer {
  const known = encodedNames.get(name)
  if (known) return known
  const writer = new Writer(sizeOf(name))
  writer.bytes(name)
  if (encodedNames.size < ENCODED_NAMES_MAX) encodedNames.set(name, writer.buffer)
  return writer.buffer
}

/** The record's size on the wire, at most: the length and the offset before it vary. */
export function recordBytes({ key, value, headers = NO_HEADERS }: OutgoingRecord): number {
  let bytes = PREFIXES_BYTES_MAX + ATTRIBUTES_AND_TIME_BYTES + sizeOf(key) + sizeOf(value)
  let count = 0
  for (const name in headers) {
    count += 1
    bytes += encodedName(name).length + sizeOf(headers[name] as Buffer | string)
  }
  return bytes + varintBytes(count)
}

function writeRecord(writer: Writer, { record, bytes }: SizedMessage, offsetDelta: number): void {
  const { key, value, headers = NO_HEADERS } = record
  writer.varint(bytes - PREFIXES_BYTES_MAX + varintBytes(offsetDelta))
  writer.varint(0)
  writer.varint(0)
  writer.varint(offsetDelta)
  writer.bytes(key)
  writer.bytes(value)
  let count = 0
  for (const _name in headers) count += 1
  writer.varint(count)
  for (const name in headers) {
    writer.raw(encodedName(name))
    writer.bytes(headers[name] as Buffer | string)
  }
}

function writeBatch(
  writer: Writer,
  messages: readonly SizedMessage[],
  producer: ProducerState | undefined,
  sequence: number,
): void {
  const now = BigInt(Date.now())
  const start = writer.at
  writer.int64(0n)
  writer.int32(0)
  const lengthEnd = writer.at
  writer.int32(-1)
  writer.int8(MAGIC)
  const crcAt = writer.at
  writer.int32(0)
  const checkedFrom = writer.at
  writer.int16(producer === undefined ? 0 : TRANSACTIONAL)
  writer.int32(messages.length - 1)
  writer.int64(now)
  writer.int64(now)
  // Mostly no producer id: the identity of an event is its id header, not a sequence number.
  writer.int64(producer?.producerId ?? -1n)
  writer.int16(producer?.producerEpoch ?? -1)
  writer.int32(sequence)
  writer.int32(messages.length)
  for (let i = 0; i < messages.length; i += 1) writeRecord(writer, messages[i] as SizedMessage, i)
  writer.buffer.writeInt32BE(writer.at - lengthEnd, start + 8)
  writer.buffer.writeUInt32BE(crc32c(writer.buffer, checkedFrom, writer.at), crcAt)
}

/** The request's body, after its header. */
export function encodeProduceRequest(
  topic: string,
  partitions: ReadonlyMap<number, readonly SizedMessage[]>,
  timeoutMs: number,
  producer?: ProducerState,
): Buffer {
  let bytesMax = REQUEST_OVERHEAD_BYTES + Buffer.byteLength(topic)
  bytesMax += Buffer.byteLength(producer?.transactionalId ?? '')
  for (const messages of partitions.values()) {
    bytesMax += BATCH_HEADER_BYTES + 8
    for (const { bytes } of messages) bytesMax += bytes
  }
  const writer = new Writer(bytesMax)
  writer.string(producer?.transactionalId)
  writer.int16(ACKS_ALL)
  writer.int32(timeoutMs)
  writer.int32(1)
  writer.string(topic)
  writer.int32(partitions.size)
  for (const [partition, messages] of partitions) {
    writer.int32(partition)
    const sizeAt = writer.at
    writer.int32(0)
    writeBatch(writer, messages, producer, producer?.sequences.get(partition) ?? -1)
    writer.buffer.writeInt32BE(writer.at - sizeAt - 4, sizeAt)
  }
  return writer.buffer.subarray(0, writer.at)
}

/** Of a request for one topic; `errorOf` names Kafka's error codes. */
export function decodeProduceResponse(
  response: Buffer,
  errorOf: (code: number) => Error,
): PartitionAnswer[] {
  let at = 4
  at += 2 + response.readInt16BE(at)
  const count = response.readInt32BE(at)
  at += 4
  const answers: PartitionAnswer[] = []
  for (let i = 0; i < count; i += 1) {
    const code = response.readInt16BE(at + 4)
    answers.push({
      partition: response.readInt32BE(at),
      error: code === 0 ? undefined : errorOf(code),
      baseOffset: response.readBigInt64BE(at + 6),
    })
    // partition, error code, base offset, append time, log start offset
    at += 4 + 2 + 8 + 8 + 8
  }
  return answers
}
