import { createHash } from 'node:crypto'
import { ServiceError } from '@kappa/service/errors'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Place, RejectionFilter } from './rejection-index.ts'

const Cursor = Compile(
  Type.Object({ at: Type.Integer(), id: Type.String(), filter: Type.String() }),
)

/** @param order what else the cursor belongs to, besides the filter */
export function encodeCursor(place: Place, filter: RejectionFilter, order: string): string {
  const cursor = { at: place.receivedAtMs, id: place.id, filter: digest(filter, order) }
  return Buffer.from(JSON.stringify(cursor)).toString('base64url')
}

/** @throws ServiceError `bad_cursor` for what is no cursor of this filter and order */
export function decodeCursor(text: string, filter: RejectionFilter, order: string): Place {
  const cursor = parse(text)
  if (!Cursor.Check(cursor)) throw notOurs()
  if (cursor.filter !== digest(filter, order)) {
    throw new ServiceError(
      'bad_cursor',
      'The cursor belongs to a request with another filter; repeat that filter with it.',
    )
  }
  return { receivedAtMs: cursor.at, id: cursor.id }
}

function digest({ topic, code, states, fromMs, toMs }: RejectionFilter, order: string): string {
  const asked = JSON.stringify([order, topic, code, states, fromMs, toMs])
  return createHash('sha256').update(asked).digest('base64url').slice(0, 16)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch (error) {
    throw notOurs(error)
  }
}

function notOurs(cause?: unknown): ServiceError {
  const message = 'The cursor is not one that this service has given.'
  return new ServiceError('bad_cursor', message, { cause })
}
