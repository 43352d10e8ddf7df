import type { LivePointer } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { ViewStore } from '@kappa/view-store/view-store'

/**
 * Runs `read` for a request in the release that is live for every instance: the pointer in Redis
 * is read before the rows, in the same pipeline, and must have the epoch that this instance knows.
 * @throws ServiceError `switching` when Redis has a newer one
 */
export async function inLiveRelease<T>(
  store: ViewStore,
  live: LivePointer,
  read: () => Promise<T>,
): Promise<T> {
  const [epoch, result] = await Promise.all([store.pointerEpoch(live.application), read()])
  if (epoch === live.epoch) return result
  const pointer = await store.point(live.application, live.epoch, live.release)
  if (pointer.epoch === live.epoch && pointer.release === live.release) return read()
  throw new ServiceError(
    'switching',
    `The application ${live.application} is switching to release ${pointer.release}; repeat the request.`,
    { retryAfterSeconds: 1 },
  )
}
