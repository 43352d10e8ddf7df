import { createHash } from 'node:crypto'
import { type TSchema, Type } from 'typebox'

export const NotModified: TSchema = Type.Unknown({
  description: 'The rows are those that `if-none-match` names.',
})

/**
 * Tells apart all answers to a request whose rows differ: by what was applied of the changelog where
 * they were read. Weak, as what answers say of their freshness changes all the time.
 */
export function etagOf(parts: readonly unknown[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
  return `W/"${hash.slice(0, 22)}"`
}

/** Whether an `if-none-match` header names the tag (RFC 9110: weakly compared). */
export function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag))
}
