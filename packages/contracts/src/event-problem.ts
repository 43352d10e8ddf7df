export type EventProblemCode =
  | 'unknown_field'
  | 'missing_field'
  | 'wrong_type'
  | 'out_of_range'
  | 'unsafe_number'
  | 'bad_timestamp'
  | 'bad_date'
  | 'bad_time'
  | 'bad_decimal'
  | 'bad_uuid'
  | 'bad_base64'
  | 'bad_string'
  | 'bad_enum'
  | 'wrong_length'
  | 'empty_id'
  | 'too_deep'
  | 'too_many_items'
  | 'too_large'
  | 'too_many_problems'
  | 'unknown_version'

/** One thing that is wrong in an event. `path` is where: `$.delays[2].minutes`, `$` for the whole. */
export interface EventProblem {
  readonly code: EventProblemCode
  readonly message: string
  readonly path: string
}

/** What one event may cost. Every bound is in the message of the problem that it causes. */
export interface EncodeLimits {
  /** Levels of records, arrays and maps, the event itself included. */
  readonly depthMax: number
  /** Bytes of the encoded value, wire header included. */
  readonly eventBytesMax: number
  /** Items of all arrays and maps of one event together. */
  readonly itemsMax: number
  /** Problems listed for one event; the rest are not looked for. */
  readonly problemsMax: number
}

export const defaultEncodeLimits: EncodeLimits = {
  depthMax: 32,
  eventBytesMax: 1_000_000,
  itemsMax: 100_000,
  problemsMax: 20,
}

const shownLengthMax = 60

/** A value as it is named in messages: short, one line, never the whole payload. */
export function showValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > shownLengthMax
        ? `the text ${JSON.stringify(value.slice(0, shownLengthMax))}… (${value.length} characters)`
        : `the text ${JSON.stringify(value)}`
    case 'number':
      return `the number ${value}`
    case 'bigint':
      return `the number ${String(value).slice(0, shownLengthMax)}`
    case 'boolean':
      return String(value)
    case 'undefined':
      return 'nothing'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? `an array of ${value.length}` : 'an object'
    default:
      return `a ${typeof value}`
  }
}
