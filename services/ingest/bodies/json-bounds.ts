import { defaultEncodeLimits } from '@kappa/contracts/event-problem'
import {
  closeBrace,
  closeBracket,
  closingQuote,
  comma,
  isSpace,
  openBrace,
  openBracket,
  quote,
} from './json-bytes.ts'

/** Smaller texts take the parser a few milliseconds at most, whatever they hold. */
const checkedBytesMin = 1_048_576
const levelsMax = 256
const { itemsMax } = defaultEncodeLimits

export interface BoundProblem {
  readonly code: 'malformed_json' | 'event_too_large' | 'batch_too_large'
  /** Follows the name of what is looked at: `… is nested deeper than …`. */
  readonly message: string
}

/**
 * Looks for what no event can hold and what costs `JSON.parse` seconds and hundreds of megabytes,
 * before it is parsed: nesting deeper than 256 levels, and objects or arrays with more items than
 * an event may have. The text need not be valid.
 *
 * @param eventsMax when given, the outermost array is one of events, and may have so many
 */
export function exceededBound(json: Buffer, eventsMax?: number): BoundProblem | undefined {
  if (json.length < checkedBytesMin) return undefined
  const items = new Uint32Array(levelsMax + 1)
  const ofEvents = eventsMax !== undefined && isArray(json)
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case quote:
        at = closingQuote(json, at)
        break
      case openBrace:
      case openBracket:
        depth++
        if (depth > levelsMax) {
          return { code: 'malformed_json', message: `is nested deeper than ${levelsMax} levels` }
        }
        items[depth] = 1
        break
      case closeBrace:
      case closeBracket:
        depth = Math.max(0, depth - 1)
        break
      case comma: {
        const count = (items[depth] ?? 0) + 1
        items[depth] = count
        if (depth === 1 && ofEvents) {
          if (count > eventsMax) return tooManyEvents
        } else if (count > itemsMax) {
          return tooManyItems
        }
        break
      }
    }
  }
  return undefined
}

const tooManyEvents: BoundProblem = { code: 'batch_too_large', message: 'has too many events' }

const tooManyItems: BoundProblem = {
  code: 'event_too_large',
  message: `has an array or an object with more than ${itemsMax} items`,
}

function isArray(json: Buffer): boolean {
  let at = 0
  while (isSpace(json[at])) at++
  return json[at] === openBracket
}
