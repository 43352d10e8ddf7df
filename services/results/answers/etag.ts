import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type TSchema, Type } from 'typebox'
import type { Answer, LoadedView } from '../loading/loaded-view.ts'

export const NotModified: TSchema = Type.Unknown({
  description: 'The rows are those that `if-none-match` names.',
})

const lengthMax = 64

/**
 * Tells apart all answers whose rows differ: by the release, by what was applied of the changelog where
 * the rows were read, by what of them is dropped, and by what was asked. Weak, as what answers say of
 * their freshness changes all the time.
 * @param asked the URL, and in which form
 */
export function etagOf(
  { release }: Pick<LoadedView, 'release'>,
  { applied, rowsFrom = '' }: Pick<Answer, 'applied' | 'rowsFrom'>,
  asked: string,
): string {
  const offsets = applied.map(([partition, next]) => `${partition}.${next}`)
  const text = offsets.length > 1 ? offsets.sort().join('-') : (offsets[0] ?? '')
  const short =
    text.length > lengthMax
      ? createHash('sha256').update(text).digest('base64url').slice(0, 22)
      : text
  const told = crc32(`${rowsFrom} ${asked}`)
  return `W/"${release}-${short}-${told.toString(36)}"`
}

/** Whether an `if-none-match` header names the tag (RFC 9110: weakly compared). */
export function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag))
}
