/** The value is larger than the writer may grow. */
export class WriterFullError extends Error {
  readonly bytesMax: number

  constructor(bytesMax: number) {
    super(`the encoded value is larger than ${bytesMax} bytes`)
    this.name = 'WriterFullError'
    this.bytesMax = bytesMax
  }
}

/** Up to here a loop is faster than a call into C++. */
const shortStringLengthMax = 32
/** The length of its UTF-8 takes two bytes at most. */
const mediumStringLengthMax = Math.floor(8191 / 3)
const lowGroups = 2 ** 28
const noBytes = Buffer.alloc(0)
const slabBytesDefault = 65_536

/**
 * Writes Avro binary (specification 1.12, "Binary Encoding") into slabs of memory that many values
 * share: a value is taken as a part of its slab, without a copy, and the next one begins behind it.
 */
export class BinaryWriter {
  readonly #bytesMax: number
  readonly #slabBytes: number
  #buffer: Buffer
  /** Where the value that is being written begins. */
  #start = 0
  #position = 0
  /** Where the text of the last string begins. */
  #textStart = 0

  /** A value has at most `bytesMax` bytes. */
  constructor(bytesMax: number, slabBytes = slabBytesDefault) {
    this.#bytesMax = bytesMax
    this.#slabBytes = Math.min(bytesMax, slabBytes)
    this.#buffer = noBytes
  }

  /** Bytes written of this value. */
  get length(): number {
    return this.#position - this.#start
  }

  /** Where in this value the text of the last string begins, behind its length. */
  get textStart(): number {
    return this.#textStart - this.#start
  }

  /** Begins a value with these few bytes; what was written since the last `take` is dropped. */
  begin(header: Uint8Array): void {
    this.#position = this.#start
    this.#reserve(header.length)
    for (let index = 0; index < header.length; index++) {
      this.#buffer[this.#position + index] = header[index] ?? 0
    }
    this.#position += header.length
  }

  /** The value. Its memory is never written to again. */
  take(): Buffer {
    const value = this.#buffer.subarray(this.#start, this.#position)
    if (this.#buffer.length > this.#slabBytes) {
      // One large value made it: small ones that live longer would keep all of it in memory.
      this.#buffer = noBytes
      this.#position = 0
    }
    this.#start = this.#position
    return value
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#position++] = value
  }

  /** Zigzag varint of a value within int32. */
  int(value: number): void {
    this.#reserve(5)
    const buffer = this.#buffer
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    let position = this.#position
    while (rest > 0x7f) {
      buffer[position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[position++] = rest
    this.#position = position
  }

  /** Zigzag varint of a safe integer. */
  long(value: number): void {
    if (value >= -0x80000000 && value <= 0x7fffffff) {
      this.int(value)
      return
    }
    // Twice a safe integer stays exact in a double, so arithmetic replaces the shifts.
    const zigzag = value < 0 ? -(value * 2) - 1 : value * 2
    if (zigzag > Number.MAX_SAFE_INTEGER) {
      this.bigLong(BigInt(value))
      return
    }
    this.#reserve(10)
    const buffer = this.#buffer
    let position = this.#position
    // It is at least 2^32 here, so the four groups of its low 28 bits all have more behind them.
    let rest = Math.floor(zigzag / lowGroups)
    const low = zigzag - rest * lowGroups
    buffer[position++] = (low & 0x7f) | 0x80
    buffer[position++] = ((low >>> 7) & 0x7f) | 0x80
    buffer[position++] = ((low >>> 14) & 0x7f) | 0x80
    buffer[position++] = (low >>> 21) | 0x80
    while (rest > 0x7f) {
      buffer[position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[position++] = rest
    this.#position = position
  }

  /** Zigzag varint of a value within int64. */
  bigLong(value: bigint): void {
    this.#reserve(10)
    const buffer = this.#buffer
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      buffer[this.#position++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    buffer[this.#position++] = Number(rest)
  }

  float(value: number): void {
    this.#reserve(4)
    this.#position = this.#buffer.writeFloatLE(value, this.#position)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#position = this.#buffer.writeDoubleLE(value, this.#position)
  }

  /** Length and UTF-8 of well-formed text. */
  string(value: string): void {
    if (this.shortAscii(value)) return
    const bytesAtMost = 3 * value.length
    if (value.length > mediumStringLengthMax || this.length + 2 + bytesAtMost > this.#bytesMax) {
      const bytes = Buffer.byteLength(value)
      this.int(bytes)
      this.#reserve(bytes)
      this.#textStart = this.#position
      this.#position += this.#buffer.write(value, this.#position, bytes, 'utf8')
      return
    }
    // Written behind room for a length of two bytes: counting first would read the text twice.
    this.#reserve(2 + bytesAtMost)
    const start = this.#position
    const bytes = this.#buffer.write(value, start + 2, bytesAtMost, 'utf8')
    this.int(bytes)
    const textStart = this.#position
    if (textStart !== start + 2) this.#buffer.copyWithin(textStart, start + 2, start + 2 + bytes)
    this.#textStart = textStart
    this.#position = textStart + bytes
  }

  /** Length and bytes. */
  bytes(value: Uint8Array): void {
    this.int(value.length)
    this.raw(value)
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#position)
    this.#position += value.length
  }

  /** As `string`, if it is short ASCII text, which most of what events hold is; else false. */
  shortAscii(value: string): boolean {
    const { length } = value
    if (length > shortStringLengthMax) return false
    this.#reserve(length + 1)
    const buffer = this.#buffer
    let position = this.#position
    buffer[position++] = length << 1
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return false
      buffer[position++] = code
    }
    this.#textStart = position - length
    this.#position = position
    return true
  }

  #reserve(bytes: number): void {
    if (this.#position + bytes > this.#buffer.length) this.#grow(bytes)
  }

  /** Goes on in another slab, with what there is of this value. */
  #grow(bytes: number): void {
    const written = this.length
    const needed = written + bytes
    if (needed > this.#bytesMax) throw new WriterFullError(this.#bytesMax)
    const slab = Buffer.allocUnsafeSlow(
      Math.max(this.#slabBytes, Math.min(this.#bytesMax, needed * 2)),
    )
    this.#buffer.copy(slab, 0, this.#start, this.#position)
    this.#textStart -= this.#start
    this.#buffer = slab
    this.#start = 0
    this.#position = written
  }
}
