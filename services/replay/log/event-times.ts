import type { EventTimeBounds } from '@kappa/applications/event-time-bounds'
import { appendDelayMaxMs, type StreamSource } from '@kappa/applications/stream-plan'

/**
 * No event that counts, in this record or before it in its partition, is newer. An import's mark
 * tells the highest event time up to it, and no live event comes before it. A live event comes after
 * imports, which were no more from the future than it is, and after live events that were accepted
 * at most `appendDelayMaxMs` later.
 */
export function newestUpTo({ imported, highestMs }: EventTimeBounds): number {
  return imported ? highestMs : highestMs + appendDelayMaxMs
}

/**
 * No event that counts, in this record or after it in its partition, is older. The highest event
 * time of an import never falls, and events after it may be older by the largest disorder that an
 * import may declare; live events after it were accepted at most `appendDelayMaxMs` earlier.
 *
 * @param liveFollows whether there may be live events after it
 */
export function oldestFrom(
  { imported, acceptedMs, lowestMs, highestMs }: EventTimeBounds,
  source: Pick<StreamSource, 'latenessMs' | 'importDisorderMaxMs'>,
  liveFollows: boolean,
): number {
  const oldestLiveMs = acceptedMs - appendDelayMaxMs - source.latenessMs
  if (!imported) return oldestLiveMs
  const oldestImportedMs = Math.min(lowestMs, highestMs - source.importDisorderMaxMs)
  return liveFollows ? Math.min(oldestImportedMs, oldestLiveMs) : oldestImportedMs
}
