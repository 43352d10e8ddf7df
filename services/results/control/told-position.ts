import type { OffsetsByTopic } from '@kappa/applications/offsets'
import { decodePosition, encodePosition } from '@kappa/kafka/position-token'

/**
 * Opaque text of source offsets, as ingest gives it too: what one service answers, the other takes.
 */
export function positionToken(sources: OffsetsByTopic): string {
  return encodePosition(
    new Map(
      Object.entries(sources).map(([topic, offsets]) => [
        topic,
        new Map(
          Object.entries(offsets).map(([partition, next]) => [Number(partition), BigInt(next)]),
        ),
      ]),
    ),
  )
}

/** undefined for what is no token of a position. */
export function sourcesOf(token: string): OffsetsByTopic | undefined {
  const position = decodePosition(token)
  if (position === undefined) return undefined
  return Object.fromEntries(
    [...position].map(([topic, offsets]) => [
      topic,
      Object.fromEntries([...offsets].map(([partition, next]) => [partition, String(next)])),
    ]),
  )
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
