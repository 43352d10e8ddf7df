import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UndecodableRecord } from '@kappa/applications/records'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { toWireFormat } from '@kappa/contracts/wire-format'
import type { IncomingRecord } from '@kappa/kafka/port'
import { createLogger } from '@kappa/service/logger'
import { findUndecodable } from '../views/undecodable-records.ts'
import { addFound, UndecodableSearch } from '../views/undecodable-search.ts'

const topic = 'delays'
const source: StreamSource = {
  name: 'delays',
  topic,
  eventTime: 'at',
  latenessMs: 0,
  earlinessMs: 0,
  importDisorderMaxMs: 0,
  columns: ['at'],
  versions: [
    { schemaId: 7, schema: '{"type":"record","name":"R","fields":[{"name":"at","type":"long"}]}' },
  ],
  undecodableVersions: [{ version: 2, schemaId: 8, reason: 'no default' }],
  readerSchema: '',
}

const good = toWireFormat(7, Buffer.of(2))
const wrong: readonly (readonly [Buffer | null, RegExp])[] = [
  [null, /no value/],
  [Buffer.from('{"at": 1}'), /not in the wire format: .*0x00, got 0x7b/],
  [toWireFormat(123, Buffer.of(2)), /schema id 123 is unknown/],
  [toWireFormat(8, Buffer.of(2)), /version 2, .*cannot decode: no default/],
  [toWireFormat(7, Buffer.alloc(0)), /not Avro of its schema 7: \$\.at/],
]

/** A log whose records are one millisecond apart, and how many of them were read. */
function logOf(partitions: Readonly<Record<number, readonly (Buffer | null)[]>>) {
  const log = {
    read: 0,
    async readAt(_topic: string, partition: number, offset: bigint, recordsMax: number) {
      const values = partitions[partition] ?? []
      const records = values.map(
        (value, index): IncomingRecord => ({
          topic,
          partition,
          offset: BigInt(index),
          timestamp: index,
          key: null,
          value,
          headers: {},
        }),
      )
      const found = records.slice(Number(offset), Number(offset) + recordsMax)
      log.read += found.length
      return found
    },
  }
  return log
}

const bounds = { listedMax: 10, examinedMax: 1_000 }

test('each kind of undecodable record is found where it lies, with its reason', async () => {
  const log = logOf({ 0: wrong.flatMap(([value]) => [good, value]) })
  const range = { from: {}, to: { 0: '10' } }
  const found = await findUndecodable(log, source, range, bounds)
  assert.deepEqual(
    found.map(({ partition, offset }) => [partition, offset]),
    [1, 3, 5, 7, 9].map((offset) => [0, String(offset)]),
  )
  for (const [index, [, reason]] of wrong.entries()) {
    assert.match(found[index]?.reason ?? '', reason)
  }
})

test('only the range is looked at, and of what is in it the newest', async () => {
  const bad = Buffer.from('x')
  const log = logOf({ 0: Array(100).fill(bad), 1: Array(100).fill(bad) })
  const range = { from: { 0: '10', 1: '95' }, to: { 0: '20', 1: '98' } }
  const all = await findUndecodable(log, source, range, { listedMax: 100, examinedMax: 1_000 })
  assert.equal(all.length, 13)
  log.read = 0
  const wide = { from: {}, to: { 0: '100', 1: '100' } }
  const newest = await findUndecodable(log, source, wide, { listedMax: 4, examinedMax: 20 })
  assert.equal(log.read, 20)
  assert.deepEqual(
    newest.map(({ offset }) => offset),
    ['98', '98', '99', '99'],
  )
})

test('the list is bounded and has each record once', () => {
  const record = (offset: number): UndecodableRecord => ({
    topic,
    partition: 0,
    offset: String(offset),
    reason: 'x',
  })
  const listed = addFound([record(1), record(2)], [record(2), record(3)], 2)
  assert.deepEqual(
    listed.map(({ offset }) => offset),
    ['2', '3'],
  )
})

test('a search that fails leaves the others, and what waits becomes one range', async () => {
  const log = logOf({ 0: Array(30).fill(Buffer.from('x')) })
  const offsets: string[] = []
  let fails = true
  const readAt: typeof log.readAt = async (...place) => {
    if (!fails) return log.readAt(...place)
    fails = false
    throw new Error('Kafka is away')
  }
  const search = new UndecodableSearch({
    kafka: { readAt },
    bounds: { listedMax: 100, examinedMax: 1_000 },
    logger: createLogger('test', 'silent'),
    onFound: (found) => offsets.push(...found.map(({ offset }) => offset)),
  })
  search.add(source, { from: { 0: '0' }, to: { 0: '10' } })
  search.add(source, { from: { 0: '10' }, to: { 0: '20' } })
  search.add(source, { from: { 0: '20' }, to: { 0: '25' } })
  await search.settled()
  assert.deepEqual(
    offsets.map(Number),
    Array.from({ length: 15 }, (_, index) => 10 + index),
  )
})
