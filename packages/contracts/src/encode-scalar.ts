import { WriterFullError } from './binary-writer.ts'
import type { EncodeContext, ValueEncoder } from './encode-context.ts'
import { type EventProblemCode, showValue } from './event-problem.ts'
import type { EnumSchema } from './schema.ts'
import { didYouMean } from './suggest.ts'

const isString = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => typeof value === 'number'

export const nullEncoder: ValueEncoder = {
  whole: true,
  sameKind: (value) => value === null,
  accepts: (value) => value === null,
  encode(context, value) {
    if (value !== null) context.fail('wrong_type', `expected null, got ${showValue(value)}`)
  },
}

export const booleanEncoder: ValueEncoder = {
  whole: true,
  sameKind: (value) => typeof value === 'boolean',
  accepts: (value) => typeof value === 'boolean',
  encode(context, value) {
    if (typeof value === 'boolean') context.writer.byte(value ? 1 : 0)
    else context.fail('wrong_type', `expected true or false, got ${showValue(value)}`)
  },
}

export const intEncoder: ValueEncoder = {
  whole: true,
  sameKind: isNumber,
  accepts: (value) => typeof value === 'number' && value === (value | 0),
  encode(context, value) {
    if (typeof value !== 'number') {
      context.fail('wrong_type', `expected a whole number, got ${showValue(value)}`)
    } else if (value === (value | 0)) {
      context.writer.int(value)
    } else if (Number.isInteger(value) || !Number.isFinite(value)) {
      context.fail('out_of_range', `an int is -2147483648 to 2147483647, got ${value}`)
    } else {
      context.fail('wrong_type', `expected a whole number, got ${value}`)
    }
  },
}

const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n
const wholeNumber = /^-?(0|[1-9]\d{0,18})$/

export const longEncoder: ValueEncoder = {
  whole: true,
  sameKind: (value) => typeof value !== 'object' && typeof value !== 'boolean',
  accepts: (value) =>
    Number.isSafeInteger(value) ||
    typeof value === 'bigint' ||
    (typeof value === 'string' && wholeNumber.test(value) && isInt64(BigInt(value))),
  encode(context, value) {
    if (typeof value === 'number') encodeLongNumber(context, value)
    else if (typeof value === 'bigint') encodeBigLong(context, value)
    else if (typeof value !== 'string') {
      context.fail(
        'wrong_type',
        `expected a whole number or its digits as text, got ${showValue(value)}`,
      )
    } else if (wholeNumber.test(value)) encodeBigLong(context, BigInt(value))
    else if (isLongerNumber(value)) context.fail('out_of_range', int64Range(value))
    else context.fail('wrong_type', `expected a whole number, got ${showValue(value)}`)
  },
}

/** Looks at the beginning only: regular expressions run out of stack on megabytes of digits. */
function isLongerNumber(text: string): boolean {
  return /^-?[1-9]\d{19,98}$/.test(text.slice(0, 100))
}

function encodeLongNumber(context: EncodeContext, value: number): void {
  if (Number.isSafeInteger(value)) {
    context.writer.long(value)
  } else if (!Number.isFinite(value) || Math.abs(value) > 2 ** 63) {
    context.fail('out_of_range', int64Range(String(value)))
  } else if (Number.isInteger(value)) {
    context.fail(
      'unsafe_number',
      `the number ${value} is beyond 2^53, where JSON numbers lose digits: send it as text`,
    )
  } else {
    context.fail('wrong_type', `expected a whole number, got ${value}`)
  }
}

function encodeBigLong(context: EncodeContext, value: bigint): void {
  if (isInt64(value)) context.writer.bigLong(value)
  else context.fail('out_of_range', int64Range(String(value)))
}

function isInt64(value: bigint): boolean {
  return value >= int64Min && value <= int64Max
}

function int64Range(value: string): string {
  return `a long is ${int64Min} to ${int64Max}, got ${value.slice(0, 40)}`
}

export const floatEncoder: ValueEncoder = {
  whole: true,
  sameKind: isNumber,
  // In a union a double after it keeps what a float would round.
  accepts: (value) => typeof value === 'number' && Math.fround(value) === value,
  encode(context, value) {
    if (typeof value !== 'number') {
      context.fail('wrong_type', `expected a number, got ${showValue(value)}`)
    } else if (Number.isFinite(Math.fround(value))) {
      context.writer.float(value)
    } else {
      context.fail('out_of_range', `a float is at most 3.4028235e38 in size, got ${value}`)
    }
  },
}

export const doubleEncoder: ValueEncoder = {
  whole: true,
  sameKind: isNumber,
  accepts: (value) => Number.isFinite(value),
  encode(context, value) {
    if (typeof value !== 'number') {
      context.fail('wrong_type', `expected a number, got ${showValue(value)}`)
    } else if (Number.isFinite(value)) {
      context.writer.double(value)
    } else {
      context.fail('out_of_range', `a double is a finite number, got ${value}`)
    }
  },
}

export const stringEncoder: ValueEncoder = {
  whole: true,
  sameKind: isString,
  accepts: isString,
  encode(context, value) {
    if (typeof value !== 'string') {
      context.fail('wrong_type', `expected text, got ${showValue(value)}`)
    } else if (context.writer.shortAscii(value)) {
      return
    } else if (value.isWellFormed()) {
      context.writer.string(value)
    } else {
      context.fail('bad_string', 'the text has half of a surrogate pair, which UTF-8 cannot hold')
    }
  },
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Written in lower case, as RFC 9562 asks for, so that equal ids are equal bytes. */
export const uuidEncoder: ValueEncoder = {
  whole: true,
  sameKind: isString,
  accepts: (value) => typeof value === 'string' && uuidForm.test(value),
  encode(context, value) {
    if (typeof value !== 'string') {
      context.fail('wrong_type', `expected a UUID, got ${showValue(value)}`)
    } else if (uuidForm.test(value)) {
      context.writer.string(value.toLowerCase())
    } else {
      context.fail('bad_uuid', `expected a UUID as 8-4-4-4-12 hex digits, got ${showValue(value)}`)
    }
  },
}

function base64(value: string): Buffer | undefined {
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value ? bytes : undefined
}

export const bytesEncoder: ValueEncoder = {
  whole: true,
  sameKind: isString,
  accepts: (value) => typeof value === 'string' && base64(value) !== undefined,
  encode(context, value) {
    const bytes = decodeBase64(context, value)
    if (bytes !== undefined) context.writer.bytes(bytes)
  },
}

export function fixedEncoder(size: number): ValueEncoder {
  return {
    whole: true,
    sameKind: isString,
    accepts: (value) => typeof value === 'string' && base64(value)?.length === size,
    encode(context, value) {
      const bytes = decodeBase64(context, value)
      if (bytes === undefined) return
      if (bytes.length === size) context.writer.raw(bytes)
      else context.fail('wrong_length', `expected ${size} bytes, got ${bytes.length}`)
    },
  }
}

function decodeBase64(context: EncodeContext, value: unknown): Buffer | undefined {
  if (typeof value !== 'string') {
    context.fail('wrong_type', `expected bytes as base64 text, got ${showValue(value)}`)
    return undefined
  }
  // Before memory is taken for them.
  const { eventBytesMax } = context.limits
  if (Buffer.byteLength(value, 'base64') > eventBytesMax) throw new WriterFullError(eventBytesMax)
  const bytes = base64(value)
  if (bytes === undefined) {
    const code: EventProblemCode = 'bad_base64'
    context.fail(code, `${showValue(value)} is not base64 (A-Z a-z 0-9 + /, padded with =)`)
  }
  return bytes
}

const symbolsShownMax = 12

export function enumEncoder(schema: EnumSchema): ValueEncoder {
  const indexes = new Map(schema.symbols.map((symbol, index) => [symbol, index]))
  const shown = schema.symbols.slice(0, symbolsShownMax).join(', ')
  const list = schema.symbols.length > symbolsShownMax ? `${shown}, …` : shown
  return {
    whole: true,
    sameKind: isString,
    accepts: (value) => indexes.has(value as string),
    encode(context, value) {
      const index = indexes.get(value as string)
      if (index !== undefined) context.writer.int(index)
      else if (typeof value === 'string') {
        const hint = didYouMean(value, schema.symbols)
        context.fail('bad_enum', `expected one of ${list}, got ${showValue(value)}${hint}`)
      } else context.fail('wrong_type', `expected one of ${list}, got ${showValue(value)}`)
    },
  }
}
