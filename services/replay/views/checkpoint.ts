import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { ObjectStore } from '../object-store.ts'
import { releaseFolder } from '../releases/release-folder.ts'
import { type OffsetLogEntry, parseNextWatermark, parseOffsetLog } from './offset-log.ts'

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
  const batches = batchNumbers(names)
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

/** Of an entry of Spark's offset log. */
export function parseOffsets(text: string): OffsetsByTopic {
  return lowestOffsets(parseOffsetLog(text).sources)
}

/** A topic that two sources read counts as read up to the lower offset. */
export function lowestOffsets(sources: readonly OffsetsByTopic[]): OffsetsByTopic {
  const lowest: Record<string, Record<string, string>> = {}
  for (const topics of sources) {
    for (const [topic, offsets] of Object.entries(topics)) {
      lowest[topic] ??= {}
      const known = lowest[topic]
      for (const [partition, offset] of Object.entries(offsets)) {
        const before = known[partition]
        if (before === undefined || BigInt(before) > BigInt(offset)) known[partition] = offset
      }
    }
  }
  return lowest
}

/** How far a checkpoint has come; -1 where there is no batch. */
export interface CheckpointTail {
  /** Newest batch that is done. */
  readonly committed: number
  /** Newest batch whose offsets are decided: the same, or one more, which Spark runs before any other. */
  readonly planned: number
}

export async function readTail(store: ObjectStore, prefix: string): Promise<CheckpointTail> {
  const newest = async (log: string) =>
    Math.max(-1, ...batchNumbers(await store.listNames(`${prefix}${log}/`)))
  const committed = await newest('commits')
  return { committed, planned: await newest('offsets') }
}

/** @throws Error when the checkpoint does not hold the batch */
export async function readOffsetLog(
  store: ObjectStore,
  prefix: string,
  batch: number,
): Promise<OffsetLogEntry> {
  return parseOffsetLog(await readEntry(store, `${prefix}offsets/${batch}`))
}

/** Epoch ms. @throws Error when the checkpoint does not hold the batch's commit */
export async function readNextWatermark(
  store: ObjectStore,
  prefix: string,
  batch: number,
): Promise<number> {
  return parseNextWatermark(await readEntry(store, `${prefix}commits/${batch}`))
}

async function readEntry(store: ObjectStore, key: string): Promise<string> {
  const text = await store.getText(key)
  if (text === undefined) throw new Error(`The checkpoint does not hold ${key}.`)
  return text
}

function batchNumbers(names: readonly string[]): number[] {
  return names.filter((name) => /^\d+$/.test(name)).map(Number)
}
