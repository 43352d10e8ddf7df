import { JsonText } from '../../json-text.ts'
import type { EventProblem } from '../../publish-results.ts'

/** An event of an input, as JSON text, with the line that it begins on, from 1. */
export class InputEvent extends JsonText {
  readonly line: number

  constructor(text: string, line: number) {
    super(text)
    this.line = line
  }
}

/** What stands where an event should be: it cannot be sent. */
export class InputProblem {
  readonly line: number
  readonly error: EventProblem
  readonly raw: string

  constructor(line: number, code: string, message: string, raw: string) {
    this.line = line
    this.error = { code, message, path: '$' }
    this.raw = raw
  }
}

export type InputItem = InputEvent | InputProblem

/** The input cannot be read on; the message says where. */
export class InputError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'InputError'
  }
}

/** Longest event, or part of a problem, that is read into memory. */
export const inputEventBytesMax = 16 * 1_048_576
const shownCharactersMax = 2_000

/** The beginning of what cannot be sent, to be found again. */
export function shown(raw: string): string {
  return raw.length <= shownCharactersMax ? raw : `${raw.slice(0, shownCharactersMax)}…`
}
