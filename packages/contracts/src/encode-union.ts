import type { EncodeContext, ValueEncoder } from './encode-context.ts'
import { showValue } from './event-problem.ts'
import { describeSchema, type UnionSchema } from './schema.ts'

/**
 * A value without Avro's wrappers goes to the first branch, in the order of the contract, that
 * takes it. The choice looks one level deep (records: at the names of their fields and at the plain
 * values in them) and is never taken back, so that a hostile value cannot make the work exponential.
 */
export function unionEncoder(schema: UnionSchema, branches: readonly ValueEncoder[]): ValueEncoder {
  const nullIndex = schema.branches.findIndex((branch) => branch.type === 'null')
  const only = branches.length === 2 && nullIndex !== -1 ? branches[1 - nullIndex] : undefined

  function encodeAny(context: EncodeContext, value: unknown): void {
    let index = branches.findIndex((branch) => branch.accepts(value))
    if (index === -1) index = nearest(value)
    const chosen = branches[index]
    if (chosen === undefined) {
      context.fail(
        'wrong_type',
        `expected ${describeSchema(schema)}, got ${showValue(value)}${wrapperHint(schema, value)}`,
      )
      return
    }
    context.writer.int(index)
    chosen.encode(context, value)
  }

  /** The branch that says what is wrong with a value that none takes, or -1. */
  function nearest(value: unknown): number {
    const near = branches.flatMap((branch, at) => (branch.sameKind(value) ? [at] : []))
    const [first = -1, ...others] = near
    if (others.length === 0) return first
    const loose = near.find((at) => schema.branches[at]?.type === 'float')
    if (loose !== undefined) return loose
    let best = -1
    let likenessMax = 0
    for (const at of near) {
      const likeness = branches[at]?.likeness?.(value) ?? 0
      if (likeness > likenessMax) best = at
      likenessMax = Math.max(likenessMax, likeness)
    }
    return best
  }

  function encodeNullable(context: EncodeContext, value: unknown, encoder: ValueEncoder): void {
    if (value === null) {
      context.writer.byte(nullIndex << 1)
      return
    }
    context.writer.byte((1 - nullIndex) << 1)
    const before = context.problems.length
    encoder.encode(context, value)
    if (context.problems.length > before) {
      const problem = context.problems[before]
      if (problem !== undefined) problem.message += wrapperHint(schema, value)
    }
  }

  return {
    whole: branches.every((branch) => branch.whole === true),
    sameKind: (value) => branches.some((branch) => branch.sameKind(value)),
    accepts: (value) => branches.some((branch) => branch.accepts(value)),
    encode:
      only === undefined ? encodeAny : (context, value) => encodeNullable(context, value, only),
  }
}

/** Avro's own JSON wraps values of unions as `{"string": "x"}`; people copy that from its tools. */
function wrapperHint(schema: UnionSchema, value: unknown): string {
  if (typeof value !== 'object' || value === null) return ''
  const [name, ...more] = Object.keys(value)
  if (name === undefined || more.length > 0) return ''
  const wraps = schema.branches.some(
    (branch) => name === ('name' in branch ? branch.name : branch.type),
  )
  return wraps ? `; write the value itself, without {"${name}": …} around it` : ''
}
