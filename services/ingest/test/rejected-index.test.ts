import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IncomingRecord } from '@kappa/kafka/port'
import { stateOf } from '../rejected/rejection-entry.ts'
import { type Place, RejectionIndex } from '../rejected/rejection-index.ts'
import {
  type RejectionDescription,
  rejectionHeader,
  type StateDescription,
} from '../rejected/rejection-record.ts'

let offset = 0n

function record(id: string, about: RejectionDescription, partition = 0): IncomingRecord {
  return {
    topic: 'rejected',
    partition,
    offset: offset++,
    timestamp: 0,
    key: Buffer.from(id),
    value: null,
    headers: { [rejectionHeader]: Buffer.from(JSON.stringify(about)) },
  }
}

function rejected(id: string, receivedAt: number, changes: { topic?: string; code?: string } = {}) {
  const { topic = 'flights', code = 'wrong_type' } = changes
  return record(id, {
    format: 1,
    type: 'rejected',
    topic,
    version: 1,
    error: { code, message: '', path: '$' },
    received_at: receivedAt,
    client: 'test',
    import_disorder_ms: null,
    envelope: null,
    payload_bytes: 2,
    truncated: false,
  })
}

const happened = { format: 1, at: 0, client: 'test' } as const
const event = { topic: 'flights', version: 1, id: 'e', partition: 0, offset: '0' }
const begin = (attempt: string, digest: string): StateDescription => ({
  ...happened,
  type: 'resubmitting',
  attempt,
  digest,
  version: 1,
})
const fail = (attempt: string, settles: 'attempt' | 'all' = 'attempt'): StateDescription => ({
  ...happened,
  type: 'failed',
  attempt,
  settles,
  error: { code: 'wrong_type', message: '', path: '$' },
})
const done = (attempt: string, digest: string): StateDescription => ({
  ...happened,
  type: 'resubmitted',
  attempt,
  digest,
  event,
})
const dismiss: StateDescription = { ...happened, type: 'dismissed' }

/** The entry after these records in the order of the log. */
function after(...changes: readonly StateDescription[]) {
  const index = new RejectionIndex(100)
  index.take(rejected('one', 1))
  for (const change of changes) index.take(record('one', change))
  const entry = index.get('one')
  assert.ok(entry)
  const attempts = [...(entry.pending?.attempts ?? [])]
  return { state: stateOf(entry), fix: entry.pending?.digest, attempts }
}

test('of two different fixes only the one that is first in the log is pending', () => {
  assert.deepEqual(after(begin('a', 'fix 1'), begin('b', 'fix 2')), {
    state: 'resubmitting',
    fix: 'fix 1',
    attempts: ['a'],
  })
})

test('a fix is pending until every call that published it is known to have failed', () => {
  const both = [begin('a', 'fix 1'), begin('b', 'fix 1')]
  assert.deepEqual(after(...both, fail('a')).attempts, ['b'])
  assert.equal(after(...both, fail('a'), fail('b')).state, 'open')
  assert.equal(after(...both, fail('a', 'all')).state, 'open')
})

test('what a call says that did not win changes nothing', () => {
  const contested = [begin('a', 'fix 1'), begin('b', 'fix 2')]
  assert.deepEqual(after(...contested, fail('b', 'all')), after(...contested))
})

test('resubmitted is for good, whatever is in the log after it', () => {
  const published = [begin('a', 'fix 1'), done('a', 'fix 1')]
  for (const later of [dismiss, begin('b', 'fix 2'), fail('a', 'all')]) {
    assert.equal(after(...published, later).state, 'resubmitted')
  }
})

test('a dismissed one stays so until somebody resubmits it; what was pending is not forgotten', () => {
  assert.equal(after(dismiss).state, 'dismissed')
  assert.equal(after(dismiss, begin('a', 'fix 1')).state, 'resubmitting')
  assert.deepEqual(after(begin('a', 'fix 1'), dismiss), {
    state: 'dismissed',
    fix: 'fix 1',
    attempts: ['a'],
  })
})

test('a record that was read twice changes nothing', () => {
  const index = new RejectionIndex(100)
  const records = [rejected('one', 1), record('one', begin('a', 'fix 1')), record('one', fail('a'))]
  for (const each of [...records, ...records]) index.take(each)
  const entry = index.get('one')
  assert.ok(entry)
  assert.deepEqual([stateOf(entry), entry.changes.length, [...index].length], ['open', 2, 1])
})

test('records of others and of later formats are counted and change nothing', () => {
  const index = new RejectionIndex(100)
  const later = rejected('one', 1)
  const text = String(later.headers[rejectionHeader]).replace('"format":1', '"format":2')
  index.take({ ...later, headers: { [rejectionHeader]: Buffer.from(text) } })
  index.take({ ...later, headers: {} })
  index.take({ ...later, headers: { [rejectionHeader]: Buffer.from('{') } })
  assert.deepEqual([index.unusable, [...index].length], [3, 0])
})

function ids(index: RejectionIndex, order: 'newest first' | 'oldest first', after?: Place) {
  return Array.from(index.find({}, order, after), ({ id }) => id)
}

test('pages go on after a place, in both orders, although entries come and go', () => {
  const index = new RejectionIndex(100)
  for (const [id, at] of [
    ['c', 3],
    ['a', 1],
    ['b2', 2],
    ['b1', 2],
    ['d', 4],
  ] as const) {
    index.take(rejected(id, at))
  }
  assert.deepEqual(ids(index, 'newest first'), ['d', 'c', 'b2', 'b1', 'a'])
  assert.deepEqual(ids(index, 'oldest first'), ['a', 'b1', 'b2', 'c', 'd'])
  const place = { receivedAtMs: 2, id: 'b1' }
  assert.deepEqual(ids(index, 'newest first', place), ['a'])
  index.forget(3, new Map())
  assert.deepEqual(ids(index, 'newest first', place), [])
  assert.deepEqual(ids(index, 'oldest first', place), ['c', 'd'])
})

test('it holds no more than its bound, the newest, and says since when it is complete', () => {
  const index = new RejectionIndex(100)
  for (let at = 0; at < 100; at++) index.take(rejected(`id ${at}`, at))
  assert.equal(index.completeSinceMs, undefined)
  for (let at = 100; at < 250; at++) index.take(rejected(`id ${at}`, at))
  const held = ids(index, 'oldest first')
  assert.equal(held.length, 100)
  assert.deepEqual([held[0], held.at(-1)], ['id 150', 'id 249'])
  assert.equal(index.completeSinceMs, 150)
  assert.equal(index.get('id 149'), undefined)
  index.take(record('id 149', dismiss))
  assert.equal([...index].length, 100)
})

test('what Kafka has deleted is forgotten', () => {
  const index = new RejectionIndex(100)
  const first = rejected('one', 1)
  index.take(first)
  index.take(rejected('two', 2))
  index.forget(0, new Map([[0, first.offset + 1n]]))
  assert.deepEqual(ids(index, 'oldest first'), ['two'])
})
