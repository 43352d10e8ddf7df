import { type EncodeContext, pathSegment, type ValueEncoder } from './encode-context.ts'
import { isJsonObject, type JsonObject } from './encode-record.ts'
import { showValue } from './event-problem.ts'

/** One block with the count, then the end (Avro specification 1.12, "Arrays"). */
export function arrayEncoder(item: ValueEncoder): ValueEncoder {
  function encodeItems(context: EncodeContext, items: readonly unknown[]): void {
    const { encode } = item
    if (items.length > 0) context.writer.int(items.length)
    for (let index = 0; index < items.length; index++) {
      const before = context.problems.length
      encode(context, items[index])
      if (context.problems.length > before) {
        context.within(before, `[${index}]`)
        if (context.full) return
      }
    }
    context.writer.byte(0)
  }

  return {
    sameKind: Array.isArray,
    accepts: Array.isArray,
    encode(context, value) {
      if (!Array.isArray(value)) {
        context.fail('wrong_type', `expected an array, got ${showValue(value)}`)
      } else if (context.addItems(value.length) && context.enter()) {
        encodeItems(context, value)
        context.leave()
      }
    },
  }
}

/** One block of key and value pairs, then the end. Keys may be any text, `__proto__` too. */
export function mapEncoder(item: ValueEncoder): ValueEncoder {
  function encodeEntries(context: EncodeContext, value: JsonObject, keys: readonly string[]): void {
    const { encode } = item
    if (keys.length > 0) context.writer.int(keys.length)
    for (const key of keys) {
      const before = context.problems.length
      if (key.isWellFormed()) context.writer.string(key)
      else context.fail('bad_string', 'the key has half of a surrogate pair')
      encode(context, value[key])
      if (context.problems.length > before) {
        context.within(before, pathSegment(key))
        if (context.full) return
      }
    }
    context.writer.byte(0)
  }

  return {
    sameKind: isJsonObject,
    accepts: isJsonObject,
    encode(context, value) {
      if (!isJsonObject(value)) {
        context.fail('wrong_type', `expected an object (a map), got ${showValue(value)}`)
        return
      }
      const keys = Object.keys(value)
      if (context.addItems(keys.length) && context.enter()) {
        encodeEntries(context, value, keys)
        context.leave()
      }
    },
  }
}
