import { ControlRecordError, parseReleaseRecord } from '@kappa/applications/control-records'
import type { ReleaseRecord, ReleaseState } from '@kappa/applications/records'
import type { IncomingRecord } from '@kappa/kafka/port'

/** A release that reads a topic, and what it decodes of it. */
export interface TopicReader {
  readonly application: string
  readonly release: number
  readonly schemaIds: ReadonlySet<number>
  /** Why it cannot decode others, by schema id, as far as replay has looked at them. */
  readonly reasons: ReadonlyMap<number, string>
}

const reading: ReadonlySet<ReleaseState> = new Set([
  'requested',
  'checked',
  'starting',
  'catching_up',
  'paused',
  'comparing',
  'ready',
  'standby',
])

export type ReadersByTopic = ReadonlyMap<string, readonly TopicReader[]>

/**
 * Folds the topic of releases into who reads which topic: the live release of each application, those
 * on their way up, and those that can be live again in one call. A failed one that was live counts,
 * since it goes on from its checkpoints once its cause is mended.
 *
 * @param onUnusable told of a record that cannot be read; what was known by its key stays
 */
export async function readersByTopic(
  records: AsyncIterable<Pick<IncomingRecord, 'key' | 'value' | 'offset'>>,
  onUnusable: (error: ControlRecordError, offset: bigint) => void,
): Promise<ReadersByTopic> {
  const releases = new Map<string, ReleaseRecord>()
  const live = new Map<string, number>()
  for await (const { key, value, offset } of records) {
    const name = key?.toString('utf8') ?? ''
    if (value === null) {
      releases.delete(name)
      if (name.endsWith('/live')) live.delete(name.slice(0, -'/live'.length))
      continue
    }
    try {
      const parsed = parseReleaseRecord(name, value)
      if ('live' in parsed) live.set(parsed.live.application, parsed.live.release)
      else releases.set(name, parsed.release)
    } catch (error) {
      if (!(error instanceof ControlRecordError)) throw error
      onUnusable(error, offset)
    }
  }
  const readers = new Map<string, TopicReader[]>()
  for (const record of releases.values()) {
    const isLive = live.get(record.application) === record.release
    if (!isLive && !reading.has(record.state)) continue
    for (const [topic, reader] of readersOf(record)) {
      readers.set(topic, [...(readers.get(topic) ?? []), reader])
    }
  }
  return readers
}

/** Several streams of a release may read one topic: it decodes what each of them does. */
function readersOf({ application, release, definition }: ReleaseRecord): Map<string, TopicReader> {
  const readers = new Map<string, TopicReader>()
  for (const { topic, versions, undecodableVersions = [] } of Object.values(definition.sources)) {
    const before = readers.get(topic)
    const ids = versions.map(({ schemaId }) => schemaId)
    readers.set(topic, {
      application,
      release,
      schemaIds: new Set(before ? ids.filter((id) => before.schemaIds.has(id)) : ids),
      reasons: new Map([
        ...(before?.reasons ?? []),
        ...undecodableVersions.map(({ schemaId, reason }) => [schemaId, reason] as const),
      ]),
    })
  }
  return readers
}
