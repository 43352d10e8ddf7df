import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { LivePointer } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import { createMetrics } from '@kappa/service/metrics'
import { connectRedis, type RedisClient } from '@kappa/view-store/redis-client'
import { ViewStore } from '@kappa/view-store/view-store'
import { readResultsConfig } from '../config.ts'
import { ControlState } from '../control/control-state.ts'
import { LiveReads } from '../reading/live-reads.ts'
import { createResultsMetrics } from '../results-metrics.ts'
import { environment, namespace } from './fixture.ts'

const config = readResultsConfig(environment(9))
const application = 'a'
let redis: RedisClient
let store: ViewStore
let control: ControlState
let reads: LiveReads

before(async () => {
  redis = connectRedis(config.redis, 'test', () => undefined)
  await new Promise((resolve) => redis.once('ready', resolve))
  store = new ViewStore(redis, namespace)
})
after(() => redis.disconnect())
beforeEach(async () => {
  await redis.flushdb()
  control = new ControlState(4)
  hear({ application, release: 1, epoch: 1 })
  reads = newReads(5_000)
})

function newReads(switchWaitMs: number): LiveReads {
  const catalogue = {
    live: () => control.live(application) as LivePointer,
    isLoaded: () => true,
    view: () => assert.fail('no view is read here'),
    views: () => [],
  }
  const metrics = createResultsMetrics(createMetrics('test'))
  const uncounted = { check: () => assert.fail('nobody waits here') }
  return new LiveReads({ catalogue, control, store, uncounted, metrics, switchWaitMs })
}

function hear(live: LivePointer): void {
  control.takeRelease(`${application}/live`, Buffer.from(JSON.stringify(live)))
}

function read(
  turns: 'one' | 'several',
  attempt: (live: LivePointer) => Promise<number>,
  from = reads,
): Promise<number> {
  return from.read(
    application,
    () => [],
    turns,
    async (live) => ({ result: await attempt(live), declared: new Map() }),
  )
}

test('P4: what was read while the release was switched is read again in the new one', async () => {
  await store.point(application, 1, 1)
  const tried: number[] = []
  const answer = await read('several', async ({ release }) => {
    tried.push(release)
    if (release === 1) {
      await store.pointer(application)
      await store.point(application, 2, 2)
      hear({ application, release: 2, epoch: 2 })
    }
    return release
  })
  assert.equal(answer, 2)
  assert.deepEqual(tried, [1, 2])
})

test('P4: with a newer release in Redis nothing of the older one is answered, no error either', async () => {
  await store.point(application, 2, 2)
  const tried: number[] = []
  const answer = read('one', async ({ release }) => {
    tried.push(release)
    if (release === 1) throw new ServiceError('release_changed', 'a cursor of release 2')
    return release
  })
  await store.pointer(application)
  hear({ application, release: 2, epoch: 2 })
  assert.equal(await answer, 2)
  assert.deepEqual(tried, [1, 2])
})

test('P4: an instance that knows a newer release than Redis says so there before it answers', async () => {
  await store.point(application, 1, 1)
  hear({ application, release: 2, epoch: 2 })
  assert.equal(await read('one', async ({ release }) => release), 2)
  assert.deepEqual((await store.pointer(application)).pointer, { epoch: 2, release: 2 })
})

test('an instance that does not hear of a switch in time answers 503', async () => {
  await store.point(application, 2, 2)
  const started = performance.now()
  const answer = read('one', async ({ release }) => release, newReads(200))
  await assert.rejects(answer, { code: 'switching', status: 503 })
  assert.ok(performance.now() - started >= 190)
})

test('an error of the request is its answer', async () => {
  const answer = read('one', async () => {
    throw new ServiceError('bad_filter', 'no such value')
  })
  await assert.rejects(answer, { code: 'bad_filter' })
})
