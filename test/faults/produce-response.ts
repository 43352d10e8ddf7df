/** Kafka's error code of a broker that does not lead the partition (any more). */
export const NOT_LEADER = 6

const SIZE_AND_CORRELATION_BYTES = 8
/** Partition, error code, base offset, append time, log start offset. */
const PARTITION_BYTES = 4 + 2 + 8 + 8 + 8

/**
 * A Produce response (version 5 to 7, one topic) that says `code` for the partition.
 * Layout: https://kafka.apache.org/protocol (Produce).
 */
export function withPartitionError(response: Buffer, partition: number, code: number): Buffer {
  const changed = Buffer.from(response)
  let at = SIZE_AND_CORRELATION_BYTES + 4
  at += 2 + changed.readInt16BE(at)
  const partitions = changed.readInt32BE(at)
  at += 4
  for (let i = 0; i < partitions; i += 1, at += PARTITION_BYTES) {
    if (changed.readInt32BE(at) !== partition) continue
    changed.writeInt16BE(code, at + 4)
    changed.writeBigInt64BE(-1n, at + 6)
  }
  return changed
}
