import { encodePosition, type Position } from '@kappa/kafka/position-token'

/** Moves `into` forward to cover `other` as well. */
export function mergePositions(into: Map<string, Map<number, bigint>>, other: Position): void {
  for (const [topic, offsets] of other) {
    const known = into.get(topic) ?? new Map<number, bigint>()
    into.set(topic, known)
    for (const [partition, next] of offsets) {
      const before = known.get(partition)
      if (before === undefined || next > before) known.set(partition, next)
    }
  }
}

/** As answers have it: null when nothing was accepted. */
export function positionToken(position: Position | undefined): string | null {
  return position === undefined || position.size === 0 ? null : encodePosition(position)
}
