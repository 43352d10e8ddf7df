import { partitionForKey } from '@kappa/kafka/murmur2'
import type { Slot, StoredRow, ViewStore } from '@kappa/view-store/view-store'
import type { Answer, LoadedView } from '../loading/loaded-view.ts'
import { isRetained } from '../queries/retention.ts'

export interface RowPlace {
  readonly partition: number
  /** Sortable. */
  readonly key: string
}

/** Where a view has the row of a key. @param json as in the changelog, whose bytes tell the partition */
export function placeOf(view: LoadedView, json: string | Buffer, sortable: string): RowPlace {
  return { partition: partitionForKey(Buffer.from(json), view.slots.length), key: sortable }
}

/**
 * The rows at these places, one call for each partition of them.
 * @throws ServiceError `rebuilding`
 */
export async function readEntries(
  store: ViewStore,
  view: LoadedView,
  answer: Answer,
  entries: readonly RowPlace[],
): Promise<(StoredRow | undefined)[]> {
  const rows = new Array<StoredRow | undefined>(entries.length)
  const places = view.slots.map((): number[] => [])
  for (const [place, { partition }] of entries.entries()) places[partition]?.push(place)
  await Promise.all(
    view.slots.map(async (slot, partition) => {
      const mine = places[partition] ?? []
      if (mine.length === 0) return
      const read = await store.read(
        slot,
        mine.map((place) => entries[place]?.key ?? ''),
      )
      answer.check(partition, read?.next)
      for (const [at, place] of mine.entries()) rows[place] = retained(answer, read?.found[at])
    }),
  )
  return rows
}

/** The row at a place. @throws ServiceError `rebuilding` */
export async function readEntry(
  store: ViewStore,
  view: LoadedView,
  answer: Answer,
  { partition, key }: RowPlace,
): Promise<StoredRow | undefined> {
  const read = await store.readOne(view.slots[partition] as Slot, key)
  answer.check(partition, read?.next)
  return retained(answer, read?.found)
}

function retained({ rowsFrom }: Answer, stored: StoredRow | undefined): StoredRow | undefined {
  return stored && isRetained(rowsFrom, stored) ? stored : undefined
}

/** Up to where the changelog of each partition is applied. @throws ServiceError `rebuilding` */
export function readApplied(
  store: ViewStore,
  view: LoadedView,
  answer: Answer,
): Promise<readonly bigint[]> {
  return Promise.all(
    view.slots.map(async (slot, partition) => {
      const status = await store.status(slot)
      answer.check(partition, status?.next)
      return status?.next ?? 0n
    }),
  )
}
