/** CRC-32C (Castagnoli), as Kafka's record batches carry it. */
import { createRequire } from 'node:module'

/** Seven times as fast as the tables, where a build for the platform is installed. */
const native = nativeCrc32c()

function nativeCrc32c(): ((data: Buffer) => number) | undefined {
  try {
    return createRequire(import.meta.url)('@node-rs/crc32').crc32c
  } catch {
    // An optional dependency: not every platform has a build of it.
    return undefined
  }
}

const POLYNOMIAL = 0x82f63b78
const TABLES = makeTables()

function makeTables(): Int32Array[] {
  const first = new Int32Array(256)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    first[byte] = crc
  }
  const tables = [first]
  for (let step = 1; step < 8; step += 1) {
    const before = tables[step - 1] as Int32Array
    tables.push(before.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] as number)))
  }
  return tables
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]

/** 32 bits, unsigned, of the bytes from `start` to `end` (exclusive). */
export function crc32c(data: Buffer, start = 0, end = data.length): number {
  return native ? native(data.subarray(start, end)) : crc32cByTables(data, start, end)
}

/** The same without the native library; eight bytes a step. */
export function crc32cByTables(data: Buffer, start = 0, end = data.length): number {
  let crc = -1
  let at = start
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ data.readInt32LE(at)
    const high = data.readInt32LE(at + 4)
    crc =
      (T7[low & 0xff] as number) ^
      (T6[(low >>> 8) & 0xff] as number) ^
      (T5[(low >>> 16) & 0xff] as number) ^
      (T4[low >>> 24] as number) ^
      (T3[high & 0xff] as number) ^
      (T2[(high >>> 8) & 0xff] as number) ^
      (T1[(high >>> 16) & 0xff] as number) ^
      (T0[high >>> 24] as number)
  }
  for (; at < end; at += 1) crc = (crc >>> 8) ^ (T0[(crc ^ (data[at] as number)) & 0xff] as number)
  return (crc ^ -1) >>> 0
}
