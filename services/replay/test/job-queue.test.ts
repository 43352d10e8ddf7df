import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { until } from '@kappa/test/until'
import type { Redis } from 'ioredis'
import type { JobQueue, JobQueueParts } from '../jobs/job-queue.ts'
import {
  bounds,
  CollectedLog,
  connectTestRedis,
  databases,
  HeldJobs,
  openQueue,
  redisSettings,
} from './jobs-fixture.ts'

const shop = { application: 'shop', release: 3 }
const other = { application: 'till-2', release: 1 }

let redis: Redis
let namespace: string
let held: HeldJobs
let log: CollectedLog
const open: JobQueue[] = []

before(() => {
  redis = connectTestRedis()
})
beforeEach(async () => {
  await redis.flushdb()
  namespace = `jobs-${randomUUID().slice(0, 8)}`
  held = new HeldJobs()
  log = new CollectedLog()
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((queue) => queue.close()))
})
after(() => redis.disconnect())

/** Open and healthy. */
async function queueOf(more: Partial<JobQueueParts> = {}, jobs = held): Promise<JobQueue> {
  const queue = openQueue(namespace, jobs.handler, {
    logger: log.logger,
    redis: redisSettings(databases.flushed),
    ...more,
  })
  open.push(queue)
  await isHealthy(queue)
  return queue
}

function isHealthy(queue: JobQueue, healthy = true): Promise<boolean> {
  return until(
    () => queue.healthy,
    (now) => now === healthy,
  )
}

function callsOf(jobs: HeldJobs, count: number): Promise<number> {
  return until(
    () => jobs.calls.length,
    (calls) => calls === count,
  )
}

function counts(queue: JobQueue, expected: Record<string, number>) {
  const states = Object.keys(expected) as 'completed'[]
  return until(
    () => queue.bull.getJobCounts(...states),
    (found) => states.every((state) => found[state] === expected[state]),
  )
}

test('a job that is added twice, at once and again, is done once', async () => {
  const queue = await queueOf()
  const adding = [1, 2, 3].map(() => queue.add('replay', shop, { id: 'e7' }))
  assert.ok((await Promise.all(adding)).includes('added'))
  await callsOf(held, 1)
  assert.deepEqual(held.calls, [{ kind: 'replay', ...shop, id: 'e7' }])
  assert.equal(await queue.add('replay', shop, { id: 'e7' }), 'running')
  held.end(0)
  await counts(queue, { completed: 1, active: 0, waiting: 0 })
  assert.equal(await queue.add('replay', shop, { id: 'e7' }), 'completed')
  assert.equal(await queue.add('replay', shop, { id: 'e7', again: true }), 'added')
  await callsOf(held, 2)
  held.end(1)
  await counts(queue, { completed: 1, active: 0 })
})

test('jobs that differ in kind, application, release or id are different jobs', async () => {
  const queue = await queueOf({ settings: { ...bounds, concurrency: 10 } })
  await queue.add('replay', shop, { id: 'a' })
  await queue.add('remove', shop, { id: 'a' })
  await queue.add('replay', { ...shop, release: 31 }, { id: 'a' })
  await queue.add('replay', { ...shop, application: 'shop-3' }, { id: 'a' })
  await queue.add('replay', shop, { id: '3-a' })
  await callsOf(held, 5)
  for (const call of held.calls.keys()) held.end(call)
  await counts(queue, { completed: 5 })
})

test('what cannot be told apart in a key is refused', async () => {
  const queue = await queueOf()
  for (const [kind, application, id] of [
    ['re:play', 'shop', 'a'],
    ['replay', 'shop.1', 'a'],
    ['replay', 'shop', ''],
    ['replay', 'shop', 'a.b'],
    ['replay', 'shop', 'x'.repeat(101)],
  ] as const) {
    const adding = queue.add(kind, { application, release: 1 }, { id })
    await assert.rejects(adding, /must be letters, digits, dashes and underscores/)
  }
})

test('a failed job is logged, kept and not done again by itself', async () => {
  const queue = await queueOf()
  await queue.add('replay', shop, { id: 'a' })
  await callsOf(held, 1)
  held.end(0, new Error('the cluster is gone'))
  await counts(queue, { failed: 1, active: 0, waiting: 0, delayed: 0 })
  const [failed] = await queue.bull.getFailed()
  assert.equal(failed?.failedReason, 'the cluster is gone')
  assert.equal(await queue.add('replay', shop, { id: 'a' }), 'failed')
  assert.equal(held.calls.length, 1)
  assert.deepEqual(log.texts('error'), ['job failed'])
})

test('as many run at a time as are wanted, and that can be changed', async () => {
  const queue = await queueOf({ settings: { ...bounds, concurrency: 1 } })
  for (const id of ['a', 'b', 'c', 'd']) await queue.add('replay', shop, { id })
  await counts(queue, { active: 1, waiting: 3 })
  queue.concurrency = 3
  held.end(0)
  await counts(queue, { active: 3, completed: 1 })
  assert.equal(held.atOnceMost, 3)
  for (const call of [1, 2, 3]) held.end(call)
  await counts(queue, { completed: 4 })
})

test('what is kept of jobs that have ended is bounded', async () => {
  const handler = async ({ id }: { id: string }) => {
    if (id.startsWith('bad')) throw new Error('bad')
  }
  const queue = openQueue(namespace, handler, {
    redis: redisSettings(databases.flushed),
    settings: { ...bounds, concurrency: 50 },
  })
  open.push(queue)
  await isHealthy(queue)
  const ids = Array.from({ length: 230 }, (_, i) => [`good${i}`, `bad${i}`]).flat()
  for (const id of ids) await queue.add('replay', shop, { id })
  await counts(queue, { waiting: 0, active: 0, completed: 200, failed: 200 })
})

test('what a job reports is shown, the newest at last, and never waited for', async () => {
  const ended = Promise.withResolvers<void>()
  const queue = openQueue(namespace, async (_job, report) => {
    for (let rows = 0; rows <= 1_000; rows += 1) report({ rows })
    await ended.promise
    report({ rows: 1_001 })
  })
  open.push(queue)
  await isHealthy(queue)
  await queue.add('replay', shop, { id: 'a' })
  await until(
    async () => (await queue.bull.getJob('replay.shop.3.a'))?.progress,
    (progress) => (progress as { rows?: number } | undefined)?.rows === 1_000,
  )
  ended.resolve()
  await counts(queue, { completed: 1 })
})

test('P5: Redis flushed while a job runs: it goes on, is not run twice, and others come again', async () => {
  const queue = await queueOf({ settings: { ...bounds, concurrency: 1 } })
  await queue.add('replay', shop, { id: 'a' })
  await callsOf(held, 1)
  await queue.add('replay', other, { id: 'b' })
  await redis.flushdb()
  assert.equal(await queue.add('replay', shop, { id: 'a' }), 'running')
  assert.equal(await queue.add('replay', other, { id: 'b' }), 'added', 'it had vanished')
  held.end(0)
  await callsOf(held, 2)
  assert.deepEqual(
    held.calls.map(({ application }) => application),
    ['shop', 'till-2'],
  )
  held.end(1)
  await counts(queue, { completed: 1, active: 0, waiting: 0, failed: 0 })
  // Nobody has stored that it ended; the control log may want it again, and it is over here.
  assert.equal(await queue.add('replay', shop, { id: 'a' }), 'added')
  await callsOf(held, 3)
  assert.equal(held.atOnceMost, 1)
  held.end(2)
  await counts(queue, { completed: 2 })
  assert.ok(queue.healthy)
})

test('a job that is given out again while it runs is joined, not run twice', async () => {
  const queue = await queueOf({ settings: { ...bounds, concurrency: 3 } })
  await queue.add('replay', shop, { id: 'a' })
  await callsOf(held, 1)
  // What BullMQ does on its own once a lock has run out, half a minute later.
  const key = 'replay.shop.3.a'
  const queueKey = (part: string) => `{${namespace}:jobs}:replay-1:${part}`
  await redis.del(queueKey(`${key}:lock`))
  await redis.lrem(queueKey('active'), 0, key)
  await redis.rpush(queueKey('wait'), key)
  await redis.zadd(queueKey('marker'), 0, '0')
  // Taken after it: once this one runs, the other one has been given out.
  await queue.add('replay', other, { id: 'b' })
  await callsOf(held, 2)
  assert.deepEqual(
    held.calls.map(({ application }) => application),
    ['shop', 'till-2'],
  )
  for (const call of [0, 1]) held.end(call)
  await counts(queue, { completed: 2, active: 0 })
  assert.equal(held.calls.length, 2)
})

test('a newer epoch has a queue of its own: the former one takes none of its jobs', async () => {
  const former = await queueOf({ epoch: 41 })
  await former.add('replay', shop, { id: 'a' })
  await callsOf(held, 1)
  await former.add('replay', shop, { id: 'b' })
  await former.add('replay', shop, { id: 'c' })
  await redis.set(`{${namespace}-2:jobs}:replay-1:meta`, 'of another installation')
  await redis.set(`{${namespace}:jobs}:replay-9000:meta`, 'of a newer epoch')
  await redis.set(`{${namespace}:jobs}:replay-42:meta`, 'of an opening that wrote nothing')
  const newer = new HeldJobs()
  const queue = await queueOf({ epoch: 42 }, newer)
  const left = await redis.keys('*jobs}:*')
  assert.deepEqual(
    left.filter((key) => !key.startsWith(`{${namespace}:jobs}:replay-42:`)).sort(),
    [`{${namespace}:jobs}:replay-9000:meta`, `{${namespace}-2:jobs}:replay-1:meta`].sort(),
  )
  for (const id of ['a', 'b', 'c', 'd']) await queue.add('replay', shop, { id })
  await callsOf(newer, 2)
  for (const call of [0, 1]) newer.end(call)
  await callsOf(newer, 4)
  for (const call of [2, 3]) newer.end(call)
  await counts(queue, { completed: 4 })
  const formerCalls = held.calls.filter(({ id }) => id === 'd')
  assert.deepEqual(formerCalls, [])
  for (const call of held.calls.keys()) held.end(call)
})
