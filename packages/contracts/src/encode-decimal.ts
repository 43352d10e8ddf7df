import type { ValueEncoder } from './encode-context.ts'
import { type EventProblemCode, showValue } from './event-problem.ts'

const form = /^(-?)(\d{1,400})(?:\.(\d{1,400}))?(?:[eE]([+-]?\d{1,3}))?$/
/** More digits than a double holds for certain: JSON may have rounded them. */
const safeDigits = 15

interface Wrong {
  readonly code: EventProblemCode
  readonly message: string
}

/**
 * `decimal` on bytes or fixed: text such as "12.50", or a number of at most 15 digits.
 * Written as two's complement, big-endian (Avro specification 1.12, "Decimal").
 */
export function decimalEncoder(
  precision: number,
  scale: number,
  fixedSize: number | undefined,
): ValueEncoder {
  const limit = 10n ** BigInt(precision)
  const name = `decimal(${precision}, ${scale})`

  function unscaled(value: unknown): bigint | Wrong {
    if (typeof value !== 'string' && typeof value !== 'number') {
      const message = `expected a ${name} as text such as "12.50", got ${showValue(value)}`
      return { code: 'wrong_type', message }
    }
    const parts = form.exec(String(value))
    if (parts === null) {
      return {
        code: 'bad_decimal',
        message: `expected digits such as "12.50", got ${showValue(value)}`,
      }
    }
    const [, sign = '', wholeText = '', fractionText = '', exponent = '0'] = parts
    const { whole, fraction } = shiftPoint(wholeText, fractionText, Number(exponent))
    const digits = (whole + fraction).replace(/^0+/, '')
    if (typeof value === 'number' && digits.length > safeDigits) {
      const message = `the number ${value} has more than ${safeDigits} digits, JSON may have rounded it: send it as text`
      return { code: 'unsafe_number', message }
    }
    if (fraction.length > scale) {
      const message = `a ${name} has ${scale} digits after the point, got ${fraction.length}`
      return { code: 'out_of_range', message }
    }
    const size = BigInt(whole + fraction.padEnd(scale, '0'))
    if (size >= limit) {
      const message = `a ${name} has ${precision - scale} digits before the point, got ${showValue(value)}`
      return { code: 'out_of_range', message }
    }
    return sign === '-' ? -size : size
  }

  return {
    whole: true,
    sameKind: (value) => typeof value === 'string' || typeof value === 'number',
    accepts: (value) => typeof unscaled(value) === 'bigint',
    encode(context, value) {
      const number = unscaled(value)
      if (typeof number !== 'bigint') context.fail(number.code, number.message)
      else if (fixedSize === undefined) context.writer.bytes(twosComplement(number))
      else context.writer.raw(twosComplement(number, fixedSize))
    },
  }
}

/** Moves the point `places` to the right (below 0: to the left); zeros at the end are cut. */
function shiftPoint(whole: string, fraction: string, places: number) {
  const digits = `${'0'.repeat(Math.max(0, -places))}${whole}${fraction.padEnd(places, '0')}`
  const point = digits.length - Math.max(fraction.length, places) + places
  return { whole: digits.slice(0, point), fraction: digits.slice(point).replace(/0+$/, '') }
}

/** Big-endian two's complement in `size` bytes, or in as few as it takes. */
export function twosComplement(value: bigint, size = bytesNeeded(value)): Buffer {
  const hex = BigInt.asUintN(size * 8, value).toString(16)
  return Buffer.from(hex.padStart(size * 2, '0'), 'hex')
}

function bytesNeeded(value: bigint): number {
  const magnitude = value < 0n ? -value - 1n : value
  const bits = magnitude === 0n ? 0 : magnitude.toString(2).length
  return Math.floor(bits / 8) + 1
}
