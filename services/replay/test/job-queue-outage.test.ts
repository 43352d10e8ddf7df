import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '@kappa/test/until'
import type { JobQueue } from '../jobs/job-queue.ts'
import {
  bounds,
  CollectedLog,
  databases,
  HeldJobs,
  openQueue,
  RedisDoor,
  redisSettings,
} from './jobs-fixture.ts'

const shop = { application: 'shop', release: 3 }
const away = 'Redis is away: no job is taken meanwhile'
const closeMsMax = bounds.closeTimeoutMs + 1_500

let door: RedisDoor
let held: HeldJobs
let log: CollectedLog
let queue: JobQueue

beforeEach(async () => {
  door = await RedisDoor.open()
  held = new HeldJobs()
  log = new CollectedLog()
})
afterEach(async () => {
  await queue.close()
  await door.shut()
})

function openThroughDoor(): JobQueue {
  queue = openQueue(`jobs-${randomUUID().slice(0, 8)}`, held.handler, {
    logger: log.logger,
    redis: redisSettings(databases.kept, door.port),
  })
  return queue
}

function isHealthy(healthy = true): Promise<boolean> {
  return until(
    () => queue.healthy,
    (now) => now === healthy,
  )
}

function callsOf(count: number): Promise<number> {
  return until(
    () => held.calls.length,
    (calls) => calls === count,
  )
}

function completed(count: number): Promise<number> {
  return until(
    () => queue.bull.getCompletedCount(),
    (found) => found === count,
  )
}

async function timed(work: Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work
  return performance.now() - started
}

test('opened while Redis is away, it works as soon as Redis does', async () => {
  await door.shut()
  openThroughDoor()
  await assert.rejects(queue.add('replay', shop, { id: 'a' }), { code: 'unavailable' })
  await until(
    () => log.texts('warn'),
    (texts) => texts.length > 0,
  )
  await door.reopen()
  await isHealthy()
  assert.equal(await queue.add('replay', shop, { id: 'a' }), 'added')
  await callsOf(1)
  held.end(0)
  await completed(1)
})

test('an outage while jobs run costs none of them, and is logged once', async () => {
  openThroughDoor()
  await isHealthy()
  await queue.add('replay', shop, { id: 'a' })
  await queue.add('replay', shop, { id: 'b' })
  await queue.add('replay', shop, { id: 'c' })
  await callsOf(2)
  for (const outage of [1, 2]) {
    await door.shut()
    await isHealthy(false)
    if (outage === 1) held.end(0)
    const refused = performance.now() + 2_500
    // Long enough for every connection to try again several times.
    await until(
      () => queue.add('replay', shop, { id: 'd' }).then(assert.fail, (error) => error.code),
      (code) => code === 'unavailable' && performance.now() > refused,
    )
    assert.equal(
      held.signals.some(({ aborted }) => aborted),
      false,
    )
    assert.equal(await queue.add('replay', shop, { id: 'b' }), 'running')
    await door.reopen()
    await isHealthy()
  }
  await callsOf(3)
  for (const call of [1, 2]) held.end(call)
  await completed(3)
  assert.deepEqual(log.texts('warn'), [away, away])
  assert.deepEqual(
    log.texts('info').filter((text) => text === 'Redis is back'),
    ['Redis is back', 'Redis is back'],
  )
  const password = redisSettings(databases.kept).password
  assert.ok(!JSON.stringify(log.lines).includes(password))
})

test('Redis says nothing: an add fails in time, and the queue goes on afterwards', async () => {
  openThroughDoor()
  await isHealthy()
  await queue.add('replay', shop, { id: 'a' })
  await callsOf(1)
  door.stall()
  const adding = queue.add('replay', shop, { id: 'b' })
  const tookMs = await timed(assert.rejects(adding, { code: 'unavailable' }))
  assert.ok(tookMs < bounds.commandTimeoutMs + 500, String(tookMs))
  await isHealthy(false)
  held.end(0)
  door.goOn()
  await isHealthy()
  // The first may have come through at last: it is one job either way.
  assert.match(await queue.add('replay', shop, { id: 'b' }), /added|waiting|running/)
  await callsOf(2)
  held.end(1)
  await completed(2)
  assert.equal(held.calls.length, 2)
  assert.deepEqual(log.texts('warn'), [away])
})

test('closing aborts what runs, waits for it, and takes nothing more', async () => {
  openThroughDoor()
  await isHealthy()
  for (const id of ['a', 'b', 'c']) await queue.add('replay', shop, { id })
  await callsOf(2)
  const closing = queue.close()
  const [signal] = held.signals
  assert.equal(signal?.aborted, true)
  assert.match(String(signal?.reason), /queue is closed/)
  held.end(0)
  await completed(1)
  held.end(1)
  assert.ok((await timed(closing)) < bounds.closeTimeoutMs)
  assert.equal(held.calls.length, 2, 'c was not taken although there was room')
  await assert.rejects(queue.add('replay', shop, { id: 'a' }), { code: 'closed' })
})

test('closing is bounded when a job does not end, also without Redis', async () => {
  openThroughDoor()
  await isHealthy()
  await queue.add('replay', shop, { id: 'a' })
  await callsOf(1)
  await door.shut()
  await isHealthy(false)
  assert.ok((await timed(queue.close())) < closeMsMax)
  assert.deepEqual(log.texts('warn').at(-1), 'jobs did not end in time')
  held.end(0)
})

test('closing is bounded when Redis was never there, and when it says nothing', async () => {
  await door.shut()
  assert.ok((await timed(openThroughDoor().close())) < closeMsMax)
  await door.reopen()
  openThroughDoor()
  await isHealthy()
  door.stall()
  assert.ok((await timed(queue.close())) < closeMsMax)
})

test('a wrong password is logged once, and never told', async () => {
  const { url } = redisSettings(databases.kept, door.port)
  queue = openQueue('jobs-password', held.handler, {
    logger: log.logger,
    redis: { url, password: 'hunter2-wrong' },
  })
  await until(
    () => log.texts('warn'),
    (texts) => texts.length > 0,
  )
  assert.equal(queue.healthy, false)
  await queue.close()
  assert.deepEqual(log.texts('warn'), [away])
  assert.match(String(log.lines[0]?.fields.reason), /WRONGPASS/)
  assert.ok(!JSON.stringify(log.lines).includes('hunter2'))
})
