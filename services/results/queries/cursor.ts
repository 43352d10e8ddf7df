import { createHash } from 'node:crypto'
import { ServiceError } from '@kappa/service/errors'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

const Cursor = Compile(
  Type.Object({
    release: Type.Integer(),
    query: Type.String(),
    after: Type.String({ minLength: 1 }),
  }),
)

/** Where a page ended: the entry of the index after which the next one begins. */
export interface PageEnd {
  readonly release: number
  /** `queryDigest` of what was asked. */
  readonly query: string
  readonly after: string
}

/** The same for the same filters and order, whatever the limit. */
export function queryDigest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16)
}

export function encodeCursor(end: PageEnd): string {
  return Buffer.from(JSON.stringify(end)).toString('base64url')
}

/**
 * @returns the index entry after which the page begins
 * @throws ServiceError `bad_cursor` for what is no cursor of this query, `release_changed` when the
 *   release that it pages through is no longer live
 */
export function decodeCursor(cursor: string, release: number, query: string): string {
  const end = parse(cursor)
  if (!Cursor.Check(end)) {
    throw new ServiceError('bad_cursor', 'The cursor is not one that this service has given.')
  }
  if (end.release !== release) {
    throw new ServiceError(
      'release_changed',
      `The cursor pages through release ${end.release}; release ${release} is live now. Begin again without a cursor.`,
    )
  }
  if (end.query !== query) {
    throw new ServiceError(
      'bad_cursor',
      'The cursor belongs to a query with other filters or another order; repeat those with it.',
    )
  }
  return end.after
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch (error) {
    throw new ServiceError('bad_cursor', 'The cursor is not one that this service has given.', {
      cause: error,
    })
  }
}
