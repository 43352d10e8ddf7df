import { createHash } from 'node:crypto'

/** Up to where a subscriber has everything: what an event's id tells. */
export interface ChangeCursor {
  readonly release: number
  /** Next offset of each partition of the changelog. */
  readonly next: readonly bigint[]
  /** Epoch ms of the id: deletions that are long ago cannot be told any more. */
  readonly at: number
  /** Digest of the view and of what is asked of it. */
  readonly asked: string
}

export function encodeChangeCursor({ release, next, at, asked }: ChangeCursor): string {
  return [release, at.toString(36), asked, ...next.map((offset) => offset.toString(36))].join('.')
}

/** undefined for what is no id of ours. */
export function decodeChangeCursor(id: string): ChangeCursor | undefined {
  if (!/^\d{1,9}(\.[0-9a-z]{1,13}){3,}$/.test(id)) return undefined
  const [release, at = '', asked = '', ...next] = id.split('.')
  return { release: Number(release), at: parseInt(at, 36), asked, next: next.map(fromBase36) }
}

/** The same for the same view, filters and shape of rows. */
export function askedDigest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8)
}

function fromBase36(text: string): bigint {
  let value = 0n
  for (const digit of text) value = value * 36n + BigInt(parseInt(digit, 36))
  return value
}
