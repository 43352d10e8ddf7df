import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, partitionForKey } from '@kappa/kafka/murmur2'

/** From Kafka's own UtilsTest.testMurmur2. */
const KAFKA_TEST_VECTORS: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

/** Hex key, hash and partition of 7, printed by kafka-clients 4.4.0 (Utils.murmur2, toPositive). */
const PRINTED_BY_KAFKA: readonly (readonly [string, number, number])[] = [
  ['', 275646681, 2],
  ['99', 1288378381, 3],
  ['1834', -1042682160, 0],
  ['5a94c9', -313141582, 4],
  ['390b7702', 612225306, 0],
  ['09d32a595d', 99467382, 0],
  ['41f4b3e59247', -1134459280, 6],
  ['05194bb55dcab3', -1772457477, 2],
  ['0016175aa147e1f3', 1440785583, 6],
  ['e98ee81edf7fae40bf', 731806385, 2],
  ['fced52b202e34d15e5c4', 1378837873, 0],
  ['166fc2edcea4fb1b65e240', -435219086, 1],
  [
    '0705e6c8b71cf8bdfc97c696693058b22edd1479f1953297e1c82141a6a46d99364cf461b317c99fee614cc5',
    901281384,
    3,
  ],
  [
    '8f814e38d93995b694aa2150847891d75da8ddddc46434afeb50781ae04364f9b3a3f3707eab79470ba3c885b66c499800da64',
    2069168745,
    0,
  ],
  ['9989ec985901e416c9', -641816084, 2],
  [
    'a4174c64b5144dc69831c2d5e9f8c7dcb1c3a276da03c5c5347dd8728b234273149eb6e9bb0ff5f4111a021c9a',
    482331366,
    6,
  ],
  ['324f0aec09395a3213018ebde232b69b463dffe94c73ba9c9960c80b6a214cc7', 344060285, 2],
  [
    '95b0180a98eba8fce9bf8a819b01f5529ebc20efacd4d95a6166595aac5e505cd63fcdf74452a17e',
    633072505,
    2,
  ],
  ['419a6512500fcbc182e1ef30721c8d57fcee80eefd07ad4165535585b7631557828266251d', -1650205962, 3],
  [
    '38340c697fa982fdf2e1e031eefc636a590b94b3ede70bfeb7c6e8d2988f49d867b8331c96310e56cf',
    -827931517,
    2,
  ],
  ['ec0958b9d72ecb53418e134a23dd84dc437cb251a58953f96424e7bd33a2', 1586496722, 6],
  [
    'd586f9d6d6c93e220a5d0110261aba5c976f7d07b2bbc679878c62d4332819cc438fd8e801b24847eafa8ebbfe41e1',
    566271225,
    2,
  ],
  [
    '70570198736d008963a7f2f0c00be3754308a9a9492a58e7cc5791c758218f6b8a0cd56d9d78ff727bf90b64b0a84b5491c1f5840f7f8dc0',
    56660343,
    5,
  ],
  [
    '0e33af179c6689465024424cc8942db5b9cfdf14d380620108d6bbd2b548c06e738766847b0a5cf9f95908d5ef4d8c7c468cc00866e1c4',
    129888155,
    5,
  ],
]

test('hashes the vectors of Kafka’s own tests to the same values', () => {
  for (const [text, hash] of KAFKA_TEST_VECTORS)
    assert.equal(murmur2(Buffer.from(text)), hash, text)
})

test('puts every key into the partition that the Java client chooses, bytes over 127 included', () => {
  for (const [hex, hash, partition] of PRINTED_BY_KAFKA) {
    assert.equal(murmur2(Buffer.from(hex, 'hex')), hash, hex)
    assert.equal(partitionForKey(Buffer.from(hex, 'hex'), 7), partition, hex)
  }
})
