import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { ObjectStore } from '../object-store.ts'
import { releaseFolder } from '../releases/release-folder.ts'

/** What a query has durably finished, read from its checkpoint: the truth of a position. */
export interface CommittedBatch {
  /** -1 before the first committed batch. */
  readonly batch: number
  /** Next offset to be read, by topic and partition. */
  readonly sources: OffsetsByTopic
}

export function checkpointPrefix(application: string, release: number, view: string): string {
  return `${releaseFolder('checkpoints', application, release)}${view}/`
}

/** Reads the newest batch that has both `offsets/N` and `commits/N`. */
export async function readCommittedBatch(
  store: ObjectStore,
  prefix: string,
): Promise<CommittedBatch> {
  const names = await store.listNames(`${prefix}commits/`)
  const batches = names.filter((name) => /^\d+$/.test(name)).map(Number)
  if (batches.length === 0) return { batch: -1, sources: {} }
  return readBatch(store, prefix, Math.max(...batches))
}

/**
 * Reads batch N, which has been told to be finished.
 * @throws Error when the checkpoint does not hold it: then nothing may be said about positions.
 */
export async function readBatch(
  store: ObjectStore,
  prefix: string,
  batch: number,
): Promise<CommittedBatch> {
  const [commit, offsets] = await Promise.all([
    store.getText(`${prefix}commits/${batch}`),
    store.getText(`${prefix}offsets/${batch}`),
  ])
  if (commit === undefined || offsets === undefined) {
    throw new Error(`The checkpoint ${prefix} does not hold batch ${batch} with its commit.`)
  }
  return { batch, sources: parseOffsets(offsets) }
}

/**
 * Spark's offset log, version 1: a version line, a line of metadata, then a line for each source
 * (`-` for none): for Kafka `{"topic":{"0":12}}`. A topic that two sources read counts as read up to
 * the lower offset.
 */
export function parseOffsets(text: string): OffsetsByTopic {
  const [version, , ...lines] = text.split('\n')
  if (version !== 'v1') throw new Error(`The offset log has version ${version}, not v1.`)
  const sources: Record<string, Record<string, string>> = {}
  for (const line of lines) {
    if (line === '-' || line.trim() === '') continue
    const topics = JSON.parse(line) as Record<string, Record<string, number>>
    for (const [topic, offsets] of Object.entries(topics)) {
      sources[topic] ??= {}
      const known = sources[topic]
      for (const [partition, offset] of Object.entries(offsets)) {
        const before = known[partition]
        if (before === undefined || BigInt(before) > BigInt(offset))
          known[partition] = String(offset)
      }
    }
  }
  return sources
}
