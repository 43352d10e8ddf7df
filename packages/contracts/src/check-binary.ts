import { describeSchema, type Schema } from './schema.ts'

const depthMax = 500

/**
 * Why bytes are not Avro binary of a schema, with the place; undefined when they are. Values are
 * passed over, not decoded, and the work is bounded by the length of the bytes whatever counts they
 * claim, so this is safe for bytes from anyone. Bytes that are left over are no problem, as they are
 * none for Avro's own readers.
 */
export function checkBinary(schema: Schema, body: Uint8Array): string | undefined {
  try {
    new BinaryCheck(body).pass(schema, '$', 0)
    return undefined
  } catch (error) {
    if (error instanceof BinaryProblem) return error.message
    throw error
  }
}

class BinaryProblem extends Error {}

class BinaryCheck {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  pass(schema: Schema, path: string, depth: number): void {
    if (depth > depthMax) throw new BinaryProblem(`${path} is nested deeper than ${depthMax}`)
    switch (schema.type) {
      case 'null':
        break
      case 'boolean':
        this.#skip(1n, schema, path)
        break
      case 'int':
        this.#varint(5, schema, path)
        break
      case 'long':
        this.#varint(10, schema, path)
        break
      case 'float':
        this.#skip(4n, schema, path)
        break
      case 'double':
        this.#skip(8n, schema, path)
        break
      case 'bytes':
      case 'string':
        this.#skip(this.#varint(10, schema, path), schema, path)
        break
      case 'fixed':
        this.#skip(BigInt(schema.size), schema, path)
        break
      case 'enum':
        this.#index(schema.symbols.length, 'symbol', schema, path)
        break
      case 'union': {
        const index = this.#index(schema.branches.length, 'branch', schema, path)
        const branch = schema.branches[index]
        if (branch) this.pass(branch, path, depth + 1)
        break
      }
      case 'record':
        for (const field of schema.fields)
          this.pass(field.schema, `${path}.${field.name}`, depth + 1)
        break
      case 'array':
        this.#blocks(schema, path, () => this.pass(schema.items, `${path}[]`, depth + 1))
        break
      case 'map':
        this.#blocks(schema, path, () => {
          this.#skip(this.#varint(10, schema, path), schema, path)
          this.pass(schema.values, `${path}{}`, depth + 1)
        })
    }
  }

  #blocks(schema: Schema, path: string, passItem: () => void): void {
    for (;;) {
      let count = this.#varint(10, schema, path)
      if (count === 0n) return
      if (count < 0n) {
        count = -count
        this.#varint(10, schema, path)
      }
      while (count > 0n) {
        const before = this.#at
        passItem()
        // Items of no width: passing over one more changes nothing.
        if (this.#at === before) break
        count -= 1n
      }
    }
  }

  #index(length: number, what: string, schema: Schema, path: string): number {
    const index = this.#varint(5, schema, path)
    if (index >= 0n && index < BigInt(length)) return Number(index)
    throw new BinaryProblem(`${path} (${describeSchema(schema)}) has no ${what} ${index}`)
  }

  #skip(length: bigint, schema: Schema, path: string): void {
    const left = this.#bytes.length - this.#at
    if (length < 0n || length > BigInt(left)) {
      const text = `needs ${length} bytes, ${left} are left`
      throw new BinaryProblem(`${path} (${describeSchema(schema)}) ${text}`)
    }
    this.#at += Number(length)
  }

  /** Zigzag; base 128, the least significant group first. */
  #varint(bytesMax: number, schema: Schema, path: string): bigint {
    let value = 0n
    for (let index = 0; index < bytesMax; index++) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) {
        throw new BinaryProblem(
          `${path} (${describeSchema(schema)}) begins or goes on past the end`,
        )
      }
      this.#at += 1
      value |= BigInt(byte & 0x7f) << BigInt(7 * index)
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n)
    }
    throw new BinaryProblem(`${path} (${describeSchema(schema)}) has a number that does not end`)
  }
}
