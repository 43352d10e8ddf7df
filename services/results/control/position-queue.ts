import type { PositionRecord } from '@kappa/applications/records'
import { positionToken } from './told-position.ts'

/** A position that the rows have reached, in the forms in which answers tell it. */
export interface DeclaredPosition {
  readonly record: PositionRecord
  /** Opaque to clients: the source offsets, base64url. */
  readonly token: string
}

/**
 * Positions of one view of one release, in their order, that wait for their changelog to be
 * applied. Bounded: when full, the newest takes the place of the one before it, so that those
 * that come true first still do.
 */
export class PositionQueue {
  readonly #max: number
  #pending: PositionRecord[] = []
  #declared: DeclaredPosition | undefined
  #newest: PositionRecord | undefined

  constructor(max: number) {
    this.#max = max
  }

  get newest(): PositionRecord | undefined {
    return this.#newest
  }

  /** As `declare` has told it last. */
  get declared(): DeclaredPosition | undefined {
    return this.#declared
  }

  get pending(): number {
    return this.#pending.length
  }

  /** False for a position that is older than the newest: a former writer's, which is not counted. */
  add(record: PositionRecord): boolean {
    const newest = this.#newest
    if (newest && (record.epoch < newest.epoch || record.batch < newest.batch)) return false
    this.#newest = record
    // A heartbeat says the same of a later time; only the last one is worth keeping.
    const repeats = newest && sameOffsets(newest.changelog, record.changelog)
    if (this.#pending.length > 0 && (repeats || this.#pending.length >= this.#max)) {
      this.#pending.pop()
    }
    this.#pending.push(record)
    return true
  }

  /** What happened before a start counts as answered: only the newest may be declared. */
  keepNewest(): void {
    this.#pending = this.#pending.slice(-1)
  }

  /** The newest position whose changelog offsets are all applied; never an older one than before. */
  declare(applied: (partition: number) => bigint): DeclaredPosition | undefined {
    let reached = -1
    for (const [index, record] of this.#pending.entries()) {
      if (!isApplied(record, applied)) break
      reached = index
    }
    const record = this.#pending[reached]
    if (record) {
      this.#pending.splice(0, reached + 1)
      this.#declared = { record, token: positionToken(record.sources) }
    }
    return this.#declared
  }
}

function isApplied(record: PositionRecord, applied: (partition: number) => bigint): boolean {
  return Object.entries(record.changelog).every(
    ([partition, end]) => applied(Number(partition)) >= BigInt(end),
  )
}

function sameOffsets(a: PositionRecord['changelog'], b: PositionRecord['changelog']): boolean {
  const partitions = Object.keys(a)
  return (
    partitions.length === Object.keys(b).length &&
    partitions.every((partition) => a[partition] === b[partition])
  )
}
