import { partitionForKey } from '@kappa/kafka/murmur2'
import type { IncomingRecord } from '@kappa/kafka/port'
import type { StoredRow, ViewStore } from '@kappa/view-store/view-store'
import type { LoadedView } from '../loading/loaded-view.ts'

/**
 * The row that a view has now for the key of a changelog record, of whatever release.
 * @param key the same, sortable
 * @throws ServiceError `rebuilding`: that nothing is there would be no answer
 */
export async function storedRow(
  store: ViewStore,
  view: LoadedView,
  record: Pick<IncomingRecord, 'key'>,
  key: string,
): Promise<StoredRow | undefined> {
  const answer = view.beginAnswer()
  const partition = partitionForKey(record.key ?? Buffer.alloc(0), view.slots.length)
  const slot = view.slots[partition]
  if (!slot) throw new Error(`${view.name} has no partition ${partition}`)
  const read = await store.read(slot, [key])
  answer.check(partition, read?.next)
  return read?.found[0]
}
