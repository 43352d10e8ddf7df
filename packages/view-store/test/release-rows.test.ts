import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, beforeEach, test } from 'node:test'
import { testStack } from '@kappa/test/stack'
import { connectRedis, type RedisClient } from '../src/redis-client.ts'
import { ReleaseRows } from '../src/release-rows.ts'
import { slotOf, ViewStore } from '../src/view-store.ts'

let redis: RedisClient

before(async () => {
  const { redisUrl, redisPasswordFile } = testStack()
  const password = readFileSync(redisPasswordFile, 'utf8').trim()
  redis = connectRedis(
    { url: `${redisUrl}/8`, password, timeoutMs: 5_000 },
    'test',
    () => undefined,
  )
  await new Promise((resolve) => redis.once('ready', resolve))
})
beforeEach(() => redis.flushdb())
after(() => redis.disconnect())

const keysOfSlot = 3

async function fill(namespace: string, application: string, release: number, partitions: number) {
  const slots = Array.from({ length: partitions }, (_, partition) =>
    slotOf(namespace, application, release, 'by_hour', partition),
  )
  for (const slot of slots) {
    for (const key of Object.values(slot)) redis.set(key, 'x')
  }
  await redis.ping()
  return slots.length * keysOfSlot
}

test('L5: all keys of a release go, in bounded parts, and those of its neighbours stay', async () => {
  await fill('kappa', 'shop', 10, 2)
  await fill('kappa', 'shop-1', 1, 2)
  await fill('kappa', 'shop', 2, 2)
  await fill('kappa-2', 'shop', 1, 2)
  await new ViewStore(redis, 'kappa').point('shop', 1, 1)
  const neighbours = (await redis.keys('*')).sort()
  const keys = await fill('kappa', 'shop', 1, 1_000)
  const rows = new ReleaseRows(redis, 'kappa')
  const parts: number[] = []
  assert.equal(await rows.removeRows('shop', 1, { onRemoved: (part) => parts.push(part) }), keys)
  assert.ok(parts.length >= 6 && Math.max(...parts) <= 600, String(parts))
  assert.deepEqual((await redis.keys('*')).sort(), neighbours)
  assert.equal(await rows.removeRows('shop', 1), 0, 'again')
})

test('a name is no pattern', async () => {
  for (const name of ['a*c', 'a?c', 'a[b]c', 'a\\c', 'a-c', '[^x]*', 'abc']) {
    await fill(name, name, 1, 1)
    await fill('ns', name, 1, 1)
  }
  for (const name of ['a*c', 'a?c', 'a[b]c', 'a\\c', 'a-c', '[^x]*']) {
    assert.equal(await new ReleaseRows(redis, name).removeRows(name, 1), keysOfSlot, name)
    assert.equal(await new ReleaseRows(redis, 'ns').removeRows(name, 1), keysOfSlot, name)
  }
  assert.equal((await redis.keys('*')).length, 2 * keysOfSlot, 'abc is left')
})

test('releases with any key are found once, whatever else lies there', async () => {
  await fill('kappa', 'shop', 1, 300)
  await fill('kappa', 'shop-1', 12, 1)
  await fill('kappa-2', 'shop', 3, 1)
  await redis.set('kappa:{till/4/by_hour/0}:meta', 'x')
  await new ViewStore(redis, 'kappa').point('shop', 1, 1)
  await redis.mset('{kappa:jobs}:replay-1:meta', 'x', 'kappa:{a/b/c/d}:rows', 'x', 'kappa:x', 'x')
  const found = await new ReleaseRows(redis, 'kappa').releasesWithRows()
  assert.deepEqual(found.map(({ application, release }) => `${application} ${release}`).sort(), [
    'shop 1',
    'shop-1 12',
    'till 4',
  ])
})

test('called off, it stops before the next part', async () => {
  await fill('kappa', 'shop', 1, 1_000)
  const stop = new AbortController()
  const removing = new ReleaseRows(redis, 'kappa').removeRows('shop', 1, {
    signal: stop.signal,
    onRemoved: () => stop.abort(new Error('the service stops')),
  })
  await assert.rejects(removing, /the service stops/)
  const left = (await redis.keys('*')).length
  assert.ok(left > 2_000 && left < 3_000, `${left} keys are left`)
})
