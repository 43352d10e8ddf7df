import type { OffsetsByTopic } from '@kappa/applications/offsets'

/** The source offsets of a token that `positionToken` has made. */
export function sourcesOf(token: string): OffsetsByTopic {
  return JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as OffsetsByTopic
}

/**
 * Whether a position is at or after one that clients were told, in every partition. A topic that it
 * does not read at all (the release that told it has another definition) says nothing.
 */
export function hasReached(sources: OffsetsByTopic, told: OffsetsByTopic): boolean {
  return Object.entries(told).every(([topic, offsets]) => {
    const reached = sources[topic]
    if (reached === undefined) return true
    return Object.entries(offsets).every(
      ([partition, offset]) => BigInt(reached[partition] ?? 0) >= BigInt(offset),
    )
  })
}
