import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c, crc32cByTables } from '@kappa/kafka/crc32c'

/** RFC 3720, appendix B.4, and the check value of the CRC-32/ISCSI catalogue. */
const VECTORS: readonly (readonly [Buffer, number])[] = [
  [Buffer.alloc(32), 0x8a9136aa],
  [Buffer.alloc(32, 0xff), 0x62a8ab43],
  [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  [Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  [Buffer.from('123456789'), 0xe3069283],
]

test('checksums are those of the standard, odd lengths included', () => {
  for (const [data, sum] of VECTORS) {
    assert.equal(crc32c(data), sum)
    assert.equal(crc32cByTables(data), sum)
  }
})

test('a range is summed as if it stood alone', () => {
  const data = Buffer.from('xxx123456789yy')
  assert.equal(crc32c(data, 3, 12), 0xe3069283)
  assert.equal(crc32cByTables(data, 3, 12), 0xe3069283)
})
