import { ServiceError } from '@kappa/service/errors'
import { Type } from 'typebox'
import type { RejectionFilter } from './rejection-index.ts'

const time = (which: string) =>
  Type.Optional(
    Type.String({
      maxLength: 40,
      description: `Received ${which}: a date, an RFC 3339 timestamp, or epoch milliseconds.`,
      examples: ['2026-01-31T12:00:00Z'],
    }),
  )

/** Which rejected events are meant; what is left out means all. */
export const filterFields = {
  topic: Type.Optional(Type.String({ maxLength: 249 })),
  code: Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'Why they were rejected.',
      examples: ['wrong_type'],
    }),
  ),
  from: time('then or later'),
  to: time('before then'),
}

export interface AskedFilter {
  readonly topic?: string
  readonly code?: string
  readonly from?: string
  readonly to?: string
}

/** @throws ServiceError `bad_request` naming the time that cannot be read */
export function readFilter(asked: AskedFilter): RejectionFilter {
  return {
    topic: asked.topic,
    code: asked.code,
    fromMs: readTime('from', asked.from),
    toMs: readTime('to', asked.to),
  }
}

const timestamp = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/i

function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const epochMs = timestamp.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN
  if (!Number.isNaN(epochMs)) return epochMs
  throw new ServiceError(
    'bad_request',
    `${name} is ${JSON.stringify(text)}; it has to be a date (2026-01-31), an RFC 3339 timestamp with its zone (2026-01-31T12:00:00Z), or epoch milliseconds.`,
  )
}
