import type { SparkSize } from '@kappa/applications/definition'
import type { ReplayPlan } from '@kappa/applications/replay-record'
import { megabytes } from './spark-size.ts'

/** Where Spark keeps the state of a release's queries; fixed for the life of their checkpoints. */
export type StateStore = ReplayPlan['state_store']

type HeapSize = Pick<SparkSize, 'memory' | 'executors'>

/** How much state a release is expected to hold in all its views together, in rows. */
export interface ExpectedState {
  /** As a live release, now. */
  readonly live: number
  /** While it catches up and its watermark waits for the slack as well. */
  readonly catchUp: number
}

/** Of state on the heap: key, value, and their entries in the two versions that Spark keeps. */
const bytesPerRow = 400
/** Of the heap: what a live release's state may come to take before it is planned anew. */
const heapShareOfLive = 0.1
/** How much that may have grown by then. */
const growth = 4
/** Of the heap: state while it catches up. A query that has ended leaves its own behind for a while. */
const heapShareOfCatchUp = 0.2
/** Of the heap: rows that batches of all views add before the watermark closes any. */
const heapShareOfBatches = 0.15
/** Smaller batches would cost more than a state store on the heap saves. */
const eventsPerBatchMin = 50_000

const provider = 'org.apache.spark.sql.execution.streaming.state'

export function stateStoreConf(store: StateStore): Record<string, string> {
  if (store === 'memory') {
    return {
      'spark.sql.streaming.stateStore.providerClass': `${provider}.HDFSBackedStateStoreProvider`,
      // What a query that has ended held on the heap is let go then, not when its cluster stops.
      'spark.sql.streaming.stateStore.maintenanceInterval': '15s',
    }
  }
  return {
    'spark.sql.streaming.stateStore.providerClass': `${provider}.RocksDBStateStoreProvider`,
    'spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled': 'true',
    'spark.sql.streaming.stateStore.rocksdb.boundedMemoryUsage': 'true',
    'spark.sql.streaming.stateStore.rocksdb.maxMemoryUsageMB': '256',
  }
}

/**
 * On the heap state costs about half the CPU time that it costs in RocksDB, and holds only what fits
 * with room to grow.
 * @param expected undefined: nobody knows
 */
export function chooseStateStore(
  size: HeapSize,
  views: number,
  expected: ExpectedState | undefined,
): StateStore {
  if (expected === undefined) return 'rocksdb'
  const heap = heapBytes(size)
  const fits =
    expected.live * growth * bytesPerRow <= heap * heapShareOfLive &&
    expected.catchUp * bytesPerRow <= heap * heapShareOfCatchUp
  return fits && eventsPerBatchOnHeap(size, views) >= eventsPerBatchMin ? 'memory' : 'rocksdb'
}

/** Events of a micro-batch of each view whose rows, were each of another key, still fit on the heap. */
export function eventsPerBatchOnHeap(size: HeapSize, views: number): number {
  return Math.floor((heapBytes(size) * heapShareOfBatches) / (Math.max(1, views) * bytesPerRow))
}

/** What a batch of a view may read with this store, where `eventsPerBatchMax` are allowed. */
export function eventsPerBatch(
  store: StateStore,
  size: HeapSize,
  views: number,
  eventsPerBatchMax: number,
): number {
  if (store === 'rocksdb') return eventsPerBatchMax
  return Math.min(eventsPerBatchMax, eventsPerBatchOnHeap(size, views))
}

/** Of all executors together: state and batches are spread over them. */
function heapBytes({ memory, executors = 1 }: HeapSize): number {
  return megabytes(memory) * 1024 ** 2 * executors
}
