/** The value is larger than the writer may grow. */
export class WriterFullError extends Error {
  readonly bytesMax: number

  constructor(bytesMax: number) {
    super(`the encoded value is larger than ${bytesMax} bytes`)
    this.name = 'WriterFullError'
    this.bytesMax = bytesMax
  }
}

const shortStringLengthMax = 32

/**
 * Writes Avro binary (specification 1.12, "Binary Encoding") into one buffer that grows and is
 * used again for the next value.
 */
export class BinaryWriter {
  position = 0
  readonly #bytesMax: number
  #buffer: Buffer

  constructor(bytesMax: number, initialBytes = 1024) {
    this.#bytesMax = bytesMax
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(bytesMax, initialBytes))
  }

  /** Leaves room for a header that `copy`'s caller fills in. */
  reset(headerBytes: number): void {
    this.position = headerBytes
  }

  /** A copy of everything written: the buffer itself is used again. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.position)
    this.#buffer.copy(copy, 0, 0, this.position)
    return copy
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.position++] = value
  }

  /** Zigzag varint of a value within int32. */
  int(value: number): void {
    this.#reserve(5)
    const buffer = this.#buffer
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    let position = this.position
    while (rest > 0x7f) {
      buffer[position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[position++] = rest
    this.position = position
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
    let position = this.position
    let rest = zigzag
    while (rest > 0x7fffffff) {
      buffer[position++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest > 0x7f) {
      buffer[position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[position++] = rest
    this.position = position
  }

  /** Zigzag varint of a value within int64. */
  bigLong(value: bigint): void {
    this.#reserve(10)
    const buffer = this.#buffer
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      buffer[this.position++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    buffer[this.position++] = Number(rest)
  }

  float(value: number): void {
    this.#reserve(4)
    this.position = this.#buffer.writeFloatLE(value, this.position)
  }

  double(value: number): void {
    this.#reserve(8)
    this.position = this.#buffer.writeDoubleLE(value, this.position)
  }

  /** Length and UTF-8. */
  string(value: string): void {
    if (value.length <= shortStringLengthMax && this.#shortAscii(value)) return
    const bytes = Buffer.byteLength(value)
    this.int(bytes)
    this.#reserve(bytes)
    this.position += this.#buffer.write(value, this.position, bytes, 'utf8')
  }

  /** Length and bytes. */
  bytes(value: Uint8Array): void {
    this.int(value.length)
    this.raw(value)
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#buffer.set(value, this.position)
    this.position += value.length
  }

  /** Short ASCII text is most of what events hold; a loop beats the call into C++ there. */
  #shortAscii(value: string): boolean {
    const { length } = value
    this.#reserve(length + 1)
    const buffer = this.#buffer
    let position = this.position
    buffer[position++] = length << 1
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return false
      buffer[position++] = code
    }
    this.position = position
    return true
  }

  #reserve(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.#buffer.length) return
    if (needed > this.#bytesMax) throw new WriterFullError(this.#bytesMax)
    const grown = Buffer.allocUnsafeSlow(
      Math.min(this.#bytesMax, Math.max(needed, this.#buffer.length * 2)),
    )
    this.#buffer.copy(grown, 0, 0, this.position)
    this.#buffer = grown
  }
}
