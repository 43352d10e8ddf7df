import { BinaryWriter } from './binary-writer.ts'
import type { EncodeLimits, EventProblem, EventProblemCode } from './event-problem.ts'

/** Writes one JSON value; what is wrong goes to the context, with paths added on the way up. */
export type Encode = (context: EncodeContext, value: unknown) => void

/** An encoder and what a union needs to choose it. Neither test looks deeper than one level. */
export interface ValueEncoder {
  readonly encode: Encode
  /** The JSON type is right (a string, a number, an object…). */
  readonly sameKind: (value: unknown) => boolean
  /** The value itself would be taken, as far as one level tells. */
  readonly accepts: (value: unknown) => boolean
  /** `accepts` tells all of a value: it has no parts. */
  readonly whole?: boolean
  /** Of records: how many of the object's keys are its fields. */
  readonly likeness?: (value: unknown) => number
}

interface MutableProblem {
  code: EventProblemCode
  message: string
  path: string
}

/** State of encoding one event, used again for the next one. */
export class EncodeContext {
  readonly writer: BinaryWriter
  readonly limits: EncodeLimits
  problems: MutableProblem[] = []
  /** Epoch milliseconds, rounded down, of the last timestamp that was written. */
  instantMs = 0
  /** Epoch milliseconds of the event. */
  eventTimeMs = 0
  /** Where in the value the text of the key begins and ends; -1 when the key is not text in it. */
  keyStart = -1
  keyEnd = -1
  #depth = 0
  #items = 0

  constructor(limits: EncodeLimits) {
    this.limits = limits
    this.writer = new BinaryWriter(limits.eventBytesMax)
  }

  begin(header: Uint8Array): void {
    this.writer.begin(header)
    this.keyStart = -1
    if (this.problems.length > 0) this.problems = []
    this.#depth = 0
    this.#items = 0
  }

  /** Records, arrays and maps around the value at work: 1 for a field of the event. */
  get depth(): number {
    return this.#depth
  }

  /** No more problems are collected: stop looking. */
  get full(): boolean {
    return this.problems.length >= this.limits.problemsMax
  }

  fail(code: EventProblemCode, message: string, segment = ''): void {
    const { problemsMax } = this.limits
    if (this.problems.length >= problemsMax) return
    this.problems.push({ code, message, path: segment })
  }

  /** Prefixes the paths of the problems since `before`: costs nothing when there are none. */
  within(before: number, segment: string): void {
    for (let index = before; index < this.problems.length; index++) {
      const problem = this.problems[index]
      if (problem !== undefined) problem.path = segment + problem.path
    }
  }

  /** false when the value is nested too deep; else call `leave` after its parts. */
  enter(): boolean {
    if (this.#depth >= this.limits.depthMax) {
      this.fail('too_deep', `nested deeper than ${this.limits.depthMax} levels`)
      return false
    }
    this.#depth++
    return true
  }

  leave(): void {
    this.#depth--
  }

  /** false when the event holds too many items. */
  addItems(count: number): boolean {
    this.#items += count
    if (this.#items <= this.limits.itemsMax) return true
    this.fail(
      'too_many_items',
      `the event's arrays and maps hold more than ${this.limits.itemsMax} items`,
    )
    return false
  }

  takeProblems(): EventProblem[] {
    return this.problems.map(({ code, message, path }) => ({ code, message, path: `$${path}` }))
  }
}

const plainSegment = /^[A-Za-z_][A-Za-z0-9_]*$/
const segmentLengthMax = 80

/** `.name`, or `["odd name"]` cut to a length that fits a message. */
export function pathSegment(name: string): string {
  if (name.length > segmentLengthMax) return `[${JSON.stringify(name.slice(0, segmentLengthMax))}…]`
  return plainSegment.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}
