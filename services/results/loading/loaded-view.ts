import type { ReleaseView } from '@kappa/applications/records'
import type { ViewColumn } from '@kappa/applications/view-plan'
import { ServiceError } from '@kappa/service/errors'
import { type Slot, slotOf, type ViewStore } from '@kappa/view-store/view-store'
import type { DeclaredPosition, PositionQueue } from '../control/position-queue.ts'
import { canonicalTimestamp } from '../encoding/timestamp.ts'

/** What readers need to know of a view. */
export type ReadableView = Pick<
  ReleaseView,
  'key' | 'time' | 'ranked' | 'retainMs' | 'columns' | 'outputMode' | 'changelog'
>

export interface ViewParts {
  readonly namespace: string
  readonly application: string
  readonly release: number
  readonly name: string
  readonly definition: ReadableView
  readonly positions: PositionQueue
  /** Ends of the changelog when it was loaded: someone may have answered up to there already. */
  readonly ends: readonly bigint[]
  readonly onRebuild: () => void
}

export interface Answer {
  /** The newest position that all rows hold that pass `check`. */
  readonly declared: DeclaredPosition
  /** Of each read so far: the partition, and up to where its changelog was applied. */
  readonly applied: readonly (readonly [partition: number, next: bigint])[]
  /** Rows with a time before it, or none, are dropped, as of `declared`. */
  readonly rowsFrom: string | undefined
  /** To be asked for every read. @throws ServiceError `rebuilding` for rows older than that. */
  check(partition: number, next: bigint | undefined): void
}

/** One view of a release that readers can get, and what is known to be applied of its changelog. */
export class LoadedView {
  readonly application: string
  readonly release: number
  readonly name: string
  readonly definition: ReadableView
  readonly positions: PositionQueue
  readonly slots: readonly Slot[]
  readonly keyColumns: readonly ViewColumn[]
  readonly timeColumn: ViewColumn | undefined
  /** By these rows are indexed on top of their key, in this order: the time, then what is ranked. */
  readonly indexedColumns: readonly ViewColumn[]
  /** Of each indexed column its place in the key; undefined for one that is in the row alone. */
  readonly indexedInKey: readonly (number | undefined)[]
  /** Names of the indexed columns that are in the row alone. */
  readonly indexedInRow: readonly string[]
  /** As many values as indexed columns, for a row that is deleted. */
  readonly nothingIndexed: readonly string[]
  readonly #required: bigint[]
  readonly #behind = new Set<number>()
  readonly #frozen = new Set<number>()
  readonly #onRebuild: () => void
  #leftOut: { readonly rowsFrom: string; readonly since: number } | undefined
  #removable: string | undefined

  constructor(parts: ViewParts) {
    this.application = parts.application
    this.release = parts.release
    this.name = parts.name
    this.definition = parts.definition
    this.positions = parts.positions
    const { key, time, ranked = [], changelog } = parts.definition
    this.slots = Array.from({ length: changelog.partitions }, (_, partition) =>
      slotOf(parts.namespace, parts.application, parts.release, parts.name, partition),
    )
    this.keyColumns = key.map((name) => this.#column(name))
    this.timeColumn = time === undefined ? undefined : this.#column(time)
    const indexed = new Set([...(time === undefined ? [] : [time]), ...ranked])
    this.indexedColumns = [...indexed].map((name) => this.#column(name))
    this.indexedInKey = this.indexedColumns.map(({ name }) => placeIn(key, name))
    this.indexedInRow = [...indexed].filter((name) => !key.includes(name))
    this.nothingIndexed = this.indexedColumns.map(() => '')
    this.#required = this.slots.map((_, partition) => parts.ends[partition] ?? 0n)
    this.#onRebuild = parts.onRebuild
    for (const partition of this.slots.keys()) this.#behind.add(partition)
  }

  /** What an answer must hold, taken before its rows are read. @throws ServiceError `rebuilding` */
  beginAnswer(): Answer {
    const declared = this.declared()
    if (!declared) throw this.rebuilding()
    const required = [...this.#required]
    const applied: [number, bigint][] = []
    const check = (partition: number, next: bigint | undefined) => {
      const isThere = this.observe(partition, next, required[partition])
      if (!isThere || next === undefined) throw this.rebuilding()
      applied.push([partition, next])
    }
    return { declared, applied, rowsFrom: this.rowsFrom(declared), check }
  }

  /**
   * Takes what Redis says is applied of a partition (undefined: not intact). False when that is
   * less than `required`, which was seen before Redis was asked: something is gone.
   */
  observe(
    partition: number,
    next: bigint | undefined,
    required = this.required(partition),
  ): boolean {
    if (next === undefined || next < required) {
      if (this.#behind.size === 0) this.#onRebuild()
      this.#behind.add(partition)
      return false
    }
    if (next >= this.required(partition)) {
      this.#required[partition] = next
      this.#behind.delete(partition)
    }
    return true
  }

  /** Asks Redis what is applied of every partition. @throws the client's error */
  async refresh(store: ViewStore): Promise<void> {
    const required = [...this.#required]
    const statuses = await Promise.all(this.slots.map((slot) => store.status(slot)))
    for (const [partition, status] of statuses.entries()) {
      this.observe(partition, status?.next, required[partition])
      this.noteFrozen(partition, status?.frozen === true)
    }
  }

  noteFrozen(partition: number, isFrozen: boolean): void {
    if (isFrozen) this.#frozen.add(partition)
    else this.#frozen.delete(partition)
  }

  /** How many partitions were frozen when Redis was asked last. */
  get frozen(): number {
    return this.#frozen.size
  }

  /** What Redis must have applied of a partition: all that any answer can have shown. */
  required(partition: number): bigint {
    return this.#required[partition] ?? 0n
  }

  declared(): DeclaredPosition | undefined {
    return this.positions.declare((partition) => this.required(partition))
  }

  /**
   * Canonical timestamp before which rows are dropped, as of a position; undefined where none are.
   */
  rowsFrom(declared = this.positions.declared): string | undefined {
    const { retainMs } = this.definition
    const watermark = declared?.record.watermark
    if (retainMs === undefined || watermark === undefined) return undefined
    return canonicalTimestamp(new Date(watermark - retainMs).toISOString())
  }

  /**
   * Before which rows may be removed from Redis: only what answers have left out for `delayMs` or longer,
   * as another instance may not have heard of the newest position yet.
   */
  removableBefore(delayMs: number): string | undefined {
    const rowsFrom = this.rowsFrom()
    if (rowsFrom === undefined) return undefined
    this.#leftOut ??= { rowsFrom, since: Date.now() }
    if (Date.now() - this.#leftOut.since >= delayMs) {
      this.#removable = this.#leftOut.rowsFrom
      this.#leftOut = { rowsFrom, since: Date.now() }
    }
    return this.#removable
  }

  /** Partitions that have not applied what was already answered. */
  get behind(): readonly number[] {
    return [...this.#behind].sort((a, b) => a - b)
  }

  rebuilding(): ServiceError {
    const which = this.#behind.size > 0 ? ` (partitions ${this.behind.join(', ')})` : ''
    return new ServiceError(
      'rebuilding',
      `The rows of ${this.application}/${this.name} are being rebuilt from the changelog${which}; repeat the request.`,
      { retryAfterSeconds: 1 },
    )
  }

  #column(name: string): ViewColumn {
    const column = this.definition.columns.find((candidate) => candidate.name === name)
    if (column) return column
    throw new Error(
      `The definition of ${this.application}/${this.release}/${this.name} names "${name}", which is not a column of it`,
    )
  }
}

function placeIn(names: readonly string[], name: string): number | undefined {
  const place = names.indexOf(name)
  return place < 0 ? undefined : place
}
