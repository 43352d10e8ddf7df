import { createHash } from 'node:crypto'
import { type TSchema, Type } from 'typebox'

export const NotModified: TSchema = Type.Unknown({
  description: 'The rows are those that `if-none-match` names.',
})

/**
 * Tells apart all answers whose rows differ: by what was asked, and by what was applied of the changelog
 * where the rows were read. Weak, as what answers say of their freshness changes all the time.
 */
export function etagOf(
  asked: readonly (string | number)[],
  applied: readonly (readonly [partition: number, next: bigint])[],
): string {
  const text = JSON.stringify([asked, applied.map(String).sort()])
  const hash = createHash('sha256').update(text).digest('base64url')
  return `W/"${hash.slice(0, 22)}"`
}

/** Whether an `if-none-match` header names the tag (RFC 9110: weakly compared). */
export function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag))
}
