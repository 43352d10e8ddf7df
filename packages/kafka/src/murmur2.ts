/**
 * Kafka's own partitioning of keys: `toPositive(murmur2(key)) % partitions`, the same in the
 * Java client (org.apache.kafka.common.utils.Utils.murmur2, BuiltInPartitioner), so that any
 * client finds a key in the same partition.
 */

const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/** 32 bits, signed, as Java's int. */
export function murmur2(data: Uint8Array): number {
  const length = data.length
  let h = SEED ^ length
  const blocksEnd = length & ~3
  for (let i = 0; i < blocksEnd; i += 4) {
    let k =
      (data[i] as number) |
      ((data[i + 1] as number) << 8) |
      ((data[i + 2] as number) << 16) |
      ((data[i + 3] as number) << 24)
    k = Math.imul(k, M)
    k ^= k >>> R
    k = Math.imul(k, M)
    h = Math.imul(h, M) ^ k
  }
  const rest = length - blocksEnd
  if (rest === 3) h ^= (data[blocksEnd + 2] as number) << 16
  if (rest >= 2) h ^= (data[blocksEnd + 1] as number) << 8
  if (rest >= 1) h = Math.imul(h ^ (data[blocksEnd] as number), M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  h ^= h >>> 15
  return h | 0
}

/** The partition, from 0 to `partitions` - 1, that Kafka's clients choose for a key. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
