import type { SparkSize } from '@kappa/applications/definition'

/** Where Spark keeps the state of a release's queries; fixed for the life of their checkpoints. */
export type StateStore = 'rocksdb' | 'memory'

/** A row of state on the heap: key, value, and its entries in the two versions that Spark keeps. */
const bytesPerRow = 512
/** Of the heap: what state may take when the release is planned. */
const heapShareOfState = 0.1
/** As it may grow before the release is planned anew. */
const growth = 4
/** Of the heap: rows that batches of all views add before the watermark closes any. */
const heapShareOfBatches = 0.25
/** Smaller batches would cost more than a state store on the heap saves. */
const eventsPerBatchMin = 100_000

const provider = 'org.apache.spark.sql.execution.streaming.state'

export function stateStoreConf(store: StateStore): Record<string, string> {
  if (store === 'memory') {
    return {
      'spark.sql.streaming.stateStore.providerClass': `${provider}.HDFSBackedStateStoreProvider`,
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
 *
 * @param stateRows that the release is expected to hold in all its views; undefined: nobody knows
 */
export function chooseStateStore(
  size: Pick<SparkSize, 'memory'>,
  views: number,
  stateRows: number | undefined,
): StateStore {
  if (stateRows === undefined) return 'rocksdb'
  const fits = stateRows * growth * bytesPerRow <= heapBytes(size) * heapShareOfState
  return fits && eventsPerBatchOnHeap(size, views) >= eventsPerBatchMin ? 'memory' : 'rocksdb'
}

/** Events of a micro-batch of each view whose rows, were each of another key, still fit on the heap. */
export function eventsPerBatchOnHeap(size: Pick<SparkSize, 'memory'>, views: number): number {
  return Math.floor((heapBytes(size) * heapShareOfBatches) / (Math.max(1, views) * bytesPerRow))
}

function heapBytes({ memory }: Pick<SparkSize, 'memory'>): number {
  const unit = memory.endsWith('g') ? 1024 ** 3 : 1024 ** 2
  return Number.parseInt(memory, 10) * unit
}
