import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { IncomingRecord } from '@kappa/kafka/port'
import { connectRedis, type RedisClient } from '@kappa/view-store/redis-client'
import { ViewStore } from '@kappa/view-store/view-store'
import { readResultsConfig } from '../config.ts'
import { PositionQueue } from '../control/position-queue.ts'
import { ChangelogRecordError } from '../loading/changelog-record.ts'
import { LoadedView } from '../loading/loaded-view.ts'
import { ChangelogGoneError, PartitionApplier } from '../loading/partition-applier.ts'
import { environment, namespace } from './fixture.ts'

const config = readResultsConfig(environment(14, { KAPPA_RESULTS_RECORDS_PER_CALL_MAX: '3' }))
const host = {
  fence: 7,
  mayBegin: async () => isThere,
  applied: () => undefined,
  outdated: () => undefined,
  dropped: () => undefined,
  refused: () => undefined,
}
let isThere: boolean
let redis: RedisClient
let view: LoadedView
let store: ViewStore

before(async () => {
  redis = connectRedis(config.redis, 'test', () => undefined)
  await new Promise((resolve) => redis.once('ready', resolve))
  store = new ViewStore(redis, namespace)
})
after(() => redis.disconnect())
beforeEach(async () => {
  await redis.flushdb()
  isThere = true
  view = new LoadedView({
    namespace,
    application: 'a',
    release: 1,
    name: 'v',
    definition: {
      key: ['id'],
      columns: [{ name: 'id', type: 'int', nullable: false }],
      outputMode: 'update',
      changelog: { topic: 't', partitions: 1 },
    },
    positions: new PositionQueue(4),
    ends: [0n],
    onRebuild: () => undefined,
  })
})

function newApplier(): PartitionApplier {
  return new PartitionApplier(view, 0, store, config.apply, host)
}

function records(...offsets: number[]): IncomingRecord[] {
  return offsets.map((offset) => ({
    topic: 't',
    partition: 0,
    offset: BigInt(offset),
    timestamp: 1,
    key: Buffer.from(`["${offset}"]`),
    value: Buffer.from(`{"id":${offset}}`),
    headers: { 'kappa-batch': Buffer.from('1') },
  }))
}

function slotOfView() {
  return view.slots[0] as (typeof view.slots)[0]
}

async function rows(): Promise<number> {
  return (await store.status(view.slots[0] as (typeof view.slots)[0]))?.rows ?? -1
}

test('gaps that compaction left are passed, over several calls to Redis', async () => {
  const applier = newApplier()
  await applier.claim(0n)
  assert.equal(await applier.apply(records(0, 1, 2, 3, 4, 5, 6), 0n), undefined)
  assert.equal(await applier.apply(records(9, 12), 0n), undefined)
  assert.equal(await rows(), 9)
})

test('P5: records that were on their way before a seek back are not taken for what follows', async () => {
  const applier = newApplier()
  await applier.claim(0n)
  await applier.apply(records(0, 1, 2), 0n)
  await redis.flushdb()
  assert.equal(await applier.recover(0n, undefined), 0n)
  assert.deepEqual(await applier.apply(records(3, 4), 0n), { seekTo: 0n })
  assert.equal(await rows(), 0)
  assert.equal(await applier.apply(records(0, 1, 2, 3, 4), 0n), undefined)
  assert.equal(await rows(), 5)
})

test('P5: a Redis that went back in time is read again from there', async () => {
  const applier = newApplier()
  await applier.claim(0n)
  await applier.apply(records(0, 1, 2), 0n)
  const slot = view.slots[0] as (typeof view.slots)[0]
  const dump = await Promise.all([slot.rows, slot.index0].map((key) => redis.dumpBuffer(key)))
  await applier.apply(records(3, 4), 0n)
  for (const [i, key] of [slot.rows, slot.index0].entries()) {
    await redis.restore(key, 0, dump[i] ?? Buffer.alloc(0), 'REPLACE')
  }
  assert.equal(view.observe(0, (await store.status(slot))?.next), false, 'older than what was seen')
  assert.equal(await applier.recover(0n, 3n), 3n)
  assert.equal(await applier.apply(records(3, 4), 0n), undefined)
  assert.equal(view.observe(0, (await store.status(slot))?.next), true)
})

test('P2: a former owner gives way to the newer one until Kafka gives it the partition again', async () => {
  const former = newApplier()
  await former.claim(0n)
  await former.apply(records(0), 0n)
  const owner = newApplier()
  assert.equal(await owner.claim(0n), 1n)
  assert.deepEqual(await former.apply(records(1, 2), 0n), { seekTo: 1n })
  assert.equal(await owner.apply(records(1, 2), 0n), undefined)
  assert.equal(await rows(), 3)
  assert.deepEqual(await former.apply(records(1, 2), 0n), { seekTo: 3n })
  assert.equal(await former.apply(records(3), 0n), undefined)
  assert.equal(await rows(), 4)
})

test('a record that no release writes stops the applier loudly and names itself', async () => {
  const applier = newApplier()
  await applier.claim(0n)
  const [record] = records(0)
  for (const broken of [{ headers: {} }, { key: null }, { value: Buffer.from('oops') }]) {
    const bad = [{ ...(record as IncomingRecord), ...broken }]
    await assert.rejects(applier.apply(bad, 0n), (error) => {
      assert.ok(error instanceof ChangelogRecordError, 'else it would be tried for ever')
      return /Record 0 of t partition 0 cannot be applied/.test(error.message)
    })
  }
})

test('P4: a frozen partition is come back to, from where it was frozen', async () => {
  const applier = newApplier()
  await applier.claim(0n)
  await applier.apply(records(0, 1, 2), 0n)
  assert.equal((await store.freeze(slotOfView(), 8)).outcome, 'done')
  const later = records(5, 6, 7, 8)
  assert.deepEqual(await applier.apply(later, 0n), { seekTo: 3n, frozen: true })
  assert.equal(view.frozen, 1)
  assert.equal(await applier.isFrozen(), true)
  assert.equal(await rows(), 3)
  await store.unfreeze(slotOfView(), 8)
  assert.equal(await applier.isFrozen(), false)
  assert.equal(view.frozen, 0)
  assert.equal(await applier.apply(later, 0n), undefined, 'a gap that compaction left')
  assert.equal(await rows(), 7)
})

test('P4: what its owner knows of replay fences a partition that was lost', async () => {
  const applier = newApplier()
  await applier.claim(0n)
  await redis.flushdb()
  await applier.recover(0n, undefined)
  assert.deepEqual(await store.freeze(slotOfView(), 6), { outcome: 'fenced', by: 7 })
})

test('nothing comes into Redis again of a release that is being removed', async () => {
  const applier = newApplier()
  await applier.claim(0n)
  await applier.apply(records(0, 1, 2), 0n)
  isThere = false
  assert.equal(await applier.claim(0n), 3n, 'as long as all is there, nothing is made anew')
  await redis.unlink(...Object.values(slotOfView()))
  await assert.rejects(applier.apply(records(3), 0n), ChangelogGoneError)
  await assert.rejects(applier.recover(0n, undefined), ChangelogGoneError)
  await assert.rejects(newApplier().claim(0n), ChangelogGoneError)
  assert.equal(await redis.dbsize(), 0)
})
