import type { OffsetsByTopic } from '@kappa/applications/offsets'
import { type PositionRecord, positionKey, type ReleaseRecord } from '@kappa/applications/records'
import { type Slot, slotOf } from '@kappa/view-store/view-store'
import { type AppliedOffsets, coversApplied, isApplied, RecentPositions } from './coverage.ts'

interface RowReader {
  status(slot: Slot): Promise<{ next: bigint } | undefined>
}

/** One view of the release that readers get, and the same view of the one that they are to get. */
export class ViewPair {
  readonly view: string
  /** Of the old release; empty for a view that it does not have. */
  readonly oldSlots: readonly Slot[]
  readonly #newSlots: readonly Slot[]
  readonly #keys: { readonly old: string; readonly new: string }
  readonly #oldPositions = new RecentPositions()
  readonly #newPositions = new RecentPositions()
  /** What the new release has to show: set once the old one's rows stand still. */
  #wanted: OffsetsByTopic | undefined

  constructor(
    namespace: string,
    view: string,
    old: ReleaseRecord | undefined,
    target: ReleaseRecord,
  ) {
    this.view = view
    this.oldSlots = old ? slotsOf(namespace, old, view) : []
    this.#newSlots = slotsOf(namespace, target, view)
    this.#keys = {
      old: positionKey(target.application, old?.release ?? 0, view),
      new: positionKey(target.application, target.release, view),
    }
  }

  /** Takes the positions as they are now. */
  observe(positions: ReadonlyMap<string, PositionRecord>): void {
    this.#oldPositions.add(positions.get(this.#keys.old))
    this.#newPositions.add(positions.get(this.#keys.new))
  }

  /** Whether a switch would not have to wait: all that readers can have seen is in the new rows. */
  async isAligned(rows: RowReader): Promise<boolean> {
    const [applied, shown] = await Promise.all([
      appliedOf(rows, this.oldSlots),
      appliedOf(rows, this.#newSlots),
    ])
    if (!this.#isLoaded(shown)) return false
    const old = this.#oldPositions.newest
    if (this.oldSlots.length === 0 || old === undefined) return this.#newPositions.show({}, shown)
    return (
      coversApplied(old.changelog, applied) &&
      isApplied(old.changelog, applied) &&
      this.#newPositions.show(old.sources, shown)
    )
  }

  /**
   * Whether the new rows hold all that the frozen ones show.
   * @param frozen next offsets at which the old rows stand still
   */
  async isCovered(rows: RowReader, frozen: AppliedOffsets): Promise<boolean> {
    const shown = await appliedOf(rows, this.#newSlots)
    if (!this.#isLoaded(shown)) return false
    const old = this.#oldPositions.newest
    if (this.oldSlots.length === 0 || old === undefined) return this.#newPositions.show({}, shown)
    // The first position after which nothing of what is shown is missing; the batch may still run.
    if (coversApplied(old.changelog, frozen)) this.#wanted ??= old.sources
    return this.#wanted !== undefined && this.#newPositions.show(this.#wanted, shown)
  }

  #isLoaded(shown: AppliedOffsets): boolean {
    return shown.every((next) => next !== undefined)
  }
}

export function slotsOf(namespace: string, record: ReleaseRecord, view: string): Slot[] {
  const { application, release, definition } = record
  const partitions = definition.views[view]?.changelog.partitions ?? 0
  return Array.from({ length: partitions }, (_, partition) =>
    slotOf(namespace, application, release, view, partition),
  )
}

async function appliedOf(rows: RowReader, slots: readonly Slot[]): Promise<AppliedOffsets> {
  const statuses = await Promise.all(slots.map((slot) => rows.status(slot)))
  return statuses.map((status) => status?.next)
}
