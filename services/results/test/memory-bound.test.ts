import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Kafka } from '@kappa/kafka/port'
import { freePorts } from '@kappa/processes/ports'
import type { Service } from '@kappa/service/lifecycle'
import { RedisNode } from '@kappa/test/redis-node'
import { until } from '@kappa/test/until'
import {
  type ChangelogEntry,
  connectTestKafka,
  environment,
  FakeApplication,
  get,
  namespace,
  sourceOf,
  startResults,
} from './fixture.ts'

const memoryMb = 24
/** About 9 MB. */
const rowsEach = 12_000
const note = 'x'.repeat(500)
const view = {
  key: ['id'],
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'n', type: 'bigint', nullable: false },
    { name: 'note', type: 'string', nullable: false },
  ],
}

describe('a Redis that gets full', () => {
  const services: Service[] = []
  let redisNode: RedisNode
  let kafka: Kafka
  let live: FakeApplication
  let standby: FakeApplication
  let source = 0

  before(async () => {
    const [port = 0] = await freePorts([0])
    const settings = [`maxmemory ${memoryMb}mb`, 'maxmemory-policy noeviction']
    redisNode = await RedisNode.start({ name: 'results-memory', port, settings })
    kafka = await connectTestKafka()
    live = new FakeApplication(kafka, { view }, 2, { release: 2 })
    standby = new FakeApplication(kafka, { view }, 2, { name: live.name, release: 1 })
    await live.createTopics()
    await standby.createTopics()
    await standby.publishRelease(1, 1, 'standby')
    await live.publishRelease(2, 2)
    await live.goLive(2, 2)
    await write(standby, 0, rowsEach)
    await write(live, 0, rowsEach)
    for (let instance = 0; instance < 2; instance += 1) {
      const env = {
        KAPPA_REDIS_URL: redisNode.url,
        KAPPA_REDIS_PASSWORD_FILE: redisNode.passwordFile,
        KAPPA_RESULTS_CHECK_INTERVAL_MS: '100',
      }
      services.push(await startResults(environment(0, env)))
    }
    await Promise.all(services.map(({ url }) => reached(url)))
    await until(
      () => rowsOf(1),
      (rows) => rows === rowsEach,
    )
  })
  after(async () => {
    await Promise.all(services.map((service) => service.stop()))
    await Promise.all([live, standby].map((application) => application.close()))
    await kafka.close()
    await redisNode.stop()
  })

  async function write(application: FakeApplication, from: number, to: number, deletes = false) {
    source += 1
    for (let first = from; first < to; first += 4_000) {
      const ids = Array.from({ length: Math.min(4_000, to - first) }, (_, i) => first + i)
      const entries = ids.map(
        (id): ChangelogEntry => ({
          key: [String(id)],
          batch: source,
          row: deletes ? null : { id, n: source, note },
        }),
      )
      await application.append('view', entries)
    }
    await application.position('view', source)
  }

  function reached(url: string, wanted = source) {
    return until(
      () => get(url, `/v1/views/${live.name}/view?limit=1`),
      (reply) => reply.status === 200 && sourceOf(reply) >= wanted,
      30_000,
    )
  }

  async function rowsOf(release: number): Promise<number> {
    const keys = await redisNode.redis.keys(`${namespace}:{${live.name}/${release}/view/*}:index0`)
    const counts = await Promise.all(keys.map((key) => redisNode.redis.zcard(key)))
    return counts.reduce((total, count) => total + count, 0)
  }

  async function refused(url: string) {
    const { body } = await get(url, '/v1/views')
    return (body as unknown as { refused: { release: number }[] }).refused
  }

  async function countOf(url: string): Promise<number> {
    const { body } = await get(url, `/v1/views/${live.name}/view/count`)
    return (body as unknown as { count: number }).count
  }

  test('refuses the rows of the release that is not live, and the live one goes on', async () => {
    await write(live, rowsEach, rowsEach + 8_000)
    for (const { url } of services) {
      await reached(url)
      await until(
        () => refused(url),
        (releases) => releases.length === 1,
        20_000,
      )
      assert.deepEqual(await refused(url), [{ application: live.name, release: 1 }])
      assert.equal(await countOf(url), rowsEach + 8_000)
      const metrics = await (await fetch(`${url}/metrics`)).text()
      assert.match(metrics, /kappa_results_refused_release{[^}]*release="1"[^}]*} 1/)
    }
    await until(
      () => rowsOf(1),
      (rows) => rows === 0,
    )
  })

  test('brings them back when there is room again', async () => {
    await write(live, 2_000, rowsEach + 8_000, true)
    await until(
      () => rowsOf(1),
      (rows) => rows === rowsEach,
      40_000,
    )
    for (const { url } of services) assert.deepEqual(await refused(url), [])
    for (const { url } of services) {
      await reached(url)
      assert.equal(await countOf(url), 2_000)
    }
  })

  test('loads a refused release that becomes live', async () => {
    await write(live, 2_000, rowsEach + 8_000)
    await until(
      () => rowsOf(1),
      (rows) => rows === 0,
      30_000,
    )
    await live.publishRelease(2, 3, 'standby')
    await standby.publishRelease(1, 3, 'live')
    await write(standby, 0, 1)
    await standby.goLive(1, 3)
    for (const { url } of services) {
      await until(
        () => get(url, `/v1/views/${live.name}/view?limit=1`),
        ({ status, body }) => status === 200 && body.meta.release === 1,
        40_000,
      )
      assert.equal(await countOf(url), rowsEach)
    }
  })
})
