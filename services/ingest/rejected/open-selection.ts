import type { JsonPatch } from './json-patch.ts'
import { decodeCursor, encodeCursor } from './rejected-cursor.ts'
import type { RejectedEvents } from './rejected-events.ts'
import { type AskedFilter, readFilter } from './rejected-filter.ts'
import type { RejectionEntry } from './rejection-entry.ts'

const order = 'oldest first'

/** What one call works on. */
export interface OpenSelection {
  readonly entries: readonly RejectionEntry[]
  /** Open ones that match after them. */
  readonly remaining: number
  /** null when nothing remains. */
  readonly cursor: string | null
}

/**
 * The next open rejections that match, oldest first so that events of an import come in their
 * order, up to the bounds of one call: at least one, if there is one.
 *
 * @throws ServiceError `bad_request`, `bad_cursor`
 */
export function selectOpen(
  { index, settings }: Pick<RejectedEvents, 'index' | 'settings'>,
  asked: { filter: AskedFilter; cursor?: string | undefined; patch?: JsonPatch | undefined },
): OpenSelection {
  const states = ['open', 'resubmitting'] as const
  const filter = { ...readFilter(asked.filter), states }
  const after = asked.cursor === undefined ? undefined : decodeCursor(asked.cursor, filter, order)
  const growth = growthMax(asked.patch, settings.fixedBytesMax)
  const entries: RejectionEntry[] = []
  let bytes = 0
  let remaining = 0
  for (const entry of index.find(filter, order, after)) {
    bytes += Math.min(entry.payloadBytes, settings.payloadBytesMax) + growth
    const fits = entries.length < settings.eventsPerCallMax && bytes <= settings.bytesPerCallMax
    if (remaining > 0 || (entries.length > 0 && !fits)) remaining++
    else entries.push(entry)
  }
  const last = entries.at(-1)
  const more = remaining > 0 && last !== undefined
  return { entries, remaining, cursor: more ? encodeCursor(last, filter, order) : null }
}

/** Bytes that a patch adds to one event, at most. */
function growthMax(patch: JsonPatch | undefined, fixedBytesMax: number): number {
  if (patch === undefined) return 0
  if (patch.some(({ op }) => op === 'copy')) return fixedBytesMax
  return Buffer.byteLength(JSON.stringify(patch))
}
