import type { IncomingRecord } from '@kappa/kafka/port'
import type { StoredRow, ViewStore } from '@kappa/view-store/view-store'
import type { LoadedView } from '../loading/loaded-view.ts'
import { placeOf, readEntry } from '../reading/read-entries.ts'

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
  const place = placeOf(view, record.key ?? Buffer.alloc(0), key)
  return readEntry(store, view, view.beginAnswer(), place)
}
