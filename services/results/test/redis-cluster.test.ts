import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Kafka } from '@kappa/kafka/port'
import type { Service } from '@kappa/service/lifecycle'
import { RedisCluster } from '@kappa/test/redis-cluster'
import { until } from '@kappa/test/until'
import { connectRedis } from '@kappa/view-store/redis-client'
import { ReleaseRows } from '@kappa/view-store/release-rows'
import { readResultsConfig } from '../config.ts'
import {
  connectTestKafka,
  environment,
  FakeApplication,
  get,
  namespace,
  startResults,
} from './fixture.ts'
import { Follower } from './follower.ts'

const partitions = 8
const rowsInAll = 2_000
const view = {
  key: ['id'],
  ranked: ['n'],
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'n', type: 'bigint', nullable: false },
  ],
}

describe('P5: rows in a Redis Cluster of three nodes', () => {
  let cluster: RedisCluster
  let kafka: Kafka
  let app: FakeApplication
  const services: Service[] = []
  let env: Record<string, string>

  before(async () => {
    cluster = await RedisCluster.start('results-cluster')
    env = {
      KAPPA_REDIS_URL: cluster.url,
      KAPPA_REDIS_CLUSTER: 'true',
      KAPPA_REDIS_PASSWORD_FILE: cluster.passwordFile,
    }
    kafka = await connectTestKafka()
    app = new FakeApplication(kafka, { view }, partitions)
    await app.publish()
    await write(1, (id) => id)
    for (let number = 0; number < 2; number += 1) {
      services.push(await startResults(environment(0, env)))
    }
    for (const { url } of services) await ready(url, 1)
  })
  after(async () => {
    await Promise.all(services.map((service) => service.stop()))
    await app?.close()
    await kafka?.close()
    await cluster?.stop()
  })

  const path = (rest = '') => `/v1/views/${app.name}/view${rest}`

  async function write(source: number, n: (id: number) => number): Promise<void> {
    const ids = Array.from({ length: rowsInAll }, (_, id) => id)
    await app.append(
      'view',
      ids.map((id) => ({ key: [String(id)], batch: source, row: { id, n: n(id) } })),
    )
    await app.position('view', source)
  }

  const ready = (url: string, source: number) =>
    until(
      () => get(url, path('?limit=1')),
      ({ status, body }) => status === 200 && sourceOf(body.meta.position) >= source,
      60_000,
    )

  async function assertComplete(url: string, n: (id: number) => number): Promise<void> {
    const answer = await fetch(`${url}${path('?order=-n&format=ndjson')}`)
    const rows = (await answer.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const expected = Array.from({ length: rowsInAll }, (_, id) => ({ id, n: n(id) }))
    assert.deepEqual(
      rows,
      expected.sort((a, b) => b.n - a.n || b.id - a.id),
    )
  }

  test('every instance answers lookups, lists in order, counts and many keys', async () => {
    const spread = await Promise.all(cluster.nodes.map(({ redis }) => redis.dbsize()))
    assert.ok(
      spread.every((keys) => keys > 0),
      `keys by node: ${spread}`,
    )
    for (const { url } of services) {
      await assertComplete(url, (id) => id)
      assert.equal((await get(url, path('/rows/77'))).body.row.n, 77)
      const { body } = await get(url, path('/count?n.gte=500'))
      assert.equal((body as unknown as { count: number }).count, rowsInAll - 500)
      const many = await fetch(`${url}${path('/rows')}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ keys: [[5], [1_999], [2_000]] }),
      })
      const { rows } = (await many.json()) as { rows: unknown[] }
      assert.deepEqual(rows, [{ id: 5, n: 5 }, { id: 1_999, n: 1_999 }, null])
    }
  })

  test('one node loses all: 503 until it is whole again, never fewer rows', async () => {
    const [{ url } = { url: '' }] = services
    const follower = new Follower(`${url}${path('/changes')}`)
    await follower.untilEvent(({ event }) => event === 'current')
    await cluster.nodes[1]?.redis.flushall()
    const seen = new Set<number>()
    await until(
      async () => {
        const answer = await fetch(`${url}${path('?format=ndjson')}`).catch(() => undefined)
        const text = (await answer?.text().catch(() => undefined)) ?? ''
        seen.add(answer?.status ?? 0)
        if (answer?.status === 200 && text !== '') {
          const lines = text.trimEnd().split('\n').length
          assert.equal(lines, rowsInAll)
        }
        return answer?.status
      },
      (status) => status === 200 && seen.has(503),
      60_000,
    )
    await write(2, (id) => id * 2)
    for (const service of services) {
      await ready(service.url, 2)
      await assertComplete(service.url, (id) => id * 2)
    }
    await follower.untilEvent(
      ({ event, data }) => event === 'current' && sourceOf(data.position) === 2,
    )
    assert.equal(follower.rows().get('[700]')?.n, 1_400)
    follower.close()
  })

  test('all rows of a release are found and removed, on whatever node they are', async () => {
    const redis = connectRedis(
      readResultsConfig(environment(0, env)).redis,
      'test',
      () => undefined,
    )
    await new Promise((resolve) => redis.once('ready', resolve))
    const other = new FakeApplication(kafka, { view }, partitions)
    await other.publish()
    await other.append('view', [{ key: ['1'], batch: 1, row: { id: 1, n: 1 } }])
    await other.position('view', 1)
    const [{ url } = { url: '' }] = services
    await until(
      () => get(url, `/v1/views/${other.name}/view`),
      ({ status }) => status === 200,
    )
    const rows = new ReleaseRows(redis, namespace)
    assert.ok((await rows.releasesWithRows()).some(({ application }) => application === other.name))
    await other.forget()
    await until(
      () => get(url, `/v1/views/${other.name}/view`),
      ({ status }) => status === 404,
    )
    assert.ok((await rows.removeRows(other.name, 1)) >= partitions)
    assert.ok(
      !(await rows.releasesWithRows()).some(({ application }) => application === other.name),
    )
    redis.disconnect()
    await other.close()
  })
})

function sourceOf(token: string): number {
  return Number(JSON.parse(Buffer.from(token, 'base64url').toString()).topics.events['0'])
}
