import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Kafka } from '@kappa/kafka/port'
import type { Service } from '@kappa/service/lifecycle'
import { firstOutput } from '@kappa/test/first-output'
import { until } from '@kappa/test/until'
import type { Redis } from 'ioredis'
import {
  connectTestKafka,
  connectTestRedis,
  environment,
  FakeApplication,
  get,
  type Row,
  sourceOf,
  startResults,
} from './fixture.ts'

const database = 13
const counts = {
  key: ['id'],
  time: 'at',
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'at', type: 'timestamp', nullable: false },
    { name: 'n', type: 'bigint', nullable: false },
  ],
}

function rowOf(id: number, n: number): Row {
  return { id, at: `2013-01-01T00:00:00.${String(id).padStart(6, '0')}Z`, n }
}

function entries(from: number, to: number, n: number) {
  return Array.from({ length: to - from }, (_, i) => ({
    key: [String(from + i)],
    batch: n,
    row: rowOf(from + i, n),
  }))
}

async function allRows(url: string, path: string): Promise<Row[]> {
  const rows: Row[] = []
  let cursor = ''
  do {
    const { status, body } = await get(url, `${path}?order=time&limit=1000${cursor}`)
    assert.equal(status, 200, JSON.stringify(body))
    rows.push(...body.rows)
    cursor = body.next_cursor === undefined ? '' : `&cursor=${body.next_cursor}`
  } while (cursor !== '')
  return rows
}

describe('P5: what is lost comes back', () => {
  let kafka: Kafka
  let redis: Redis
  let app: FakeApplication
  let path: string
  const services: Service[] = []
  const children: ChildProcess[] = []

  before(async () => {
    redis = connectTestRedis(database)
    kafka = await connectTestKafka()
  })
  after(async () => {
    await redis?.quit()
    await kafka?.close()
  })
  beforeEach(async () => {
    await redis.flushdb()
    app = new FakeApplication(kafka, { counts }, 2)
    path = `/v1/views/${app.name}/counts`
    await app.publish()
  })
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    }
    await Promise.all(services.splice(0).map((service) => service.stop()))
    await app.close()
  })

  async function start(more: Record<string, string> = {}): Promise<Service> {
    const service = await startResults(environment(database, more))
    services.push(service)
    return service
  }

  async function startChild(): Promise<{ child: ChildProcess; url: string }> {
    const main = join(import.meta.dirname, '..', 'main.ts')
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, ...environment(database) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    return { child, url: JSON.parse(await firstOutput(child)).listening }
  }

  const ready = (url: string) =>
    until(
      () => get(url, path),
      ({ status }) => status === 200,
    )

  test('after a flush the view answers 503, never fewer rows, until it is whole again', async () => {
    await app.append('counts', entries(0, 3_000, 1))
    await app.position('counts', 1)
    const { url } = await start()
    await ready(url)
    const before = await allRows(url, path)
    assert.deepEqual(
      before,
      entries(0, 3_000, 1).map(({ row }) => row),
    )
    await redis.flushdb()
    const statuses = new Set<number>()
    const first = await get(url, `${path}/rows/7`)
    assert.equal(first.status, 503)
    assert.equal(first.body.error.code, 'rebuilding')
    assert.equal(first.headers.get('retry-after'), '1')
    await until(
      async () => {
        const one = await get(url, `${path}/rows/7`)
        if (one.status === 200) assert.deepEqual(one.body.row, rowOf(7, 1))
        else assert.equal(one.body.error.code, 'rebuilding')
        const list = await get(url, `${path}?order=-time&limit=1000`)
        if (list.status === 200)
          assert.deepEqual(list.body.rows, before.toReversed().slice(0, 1_000))
        statuses.add(list.status)
        return list
      },
      ({ status }) => status === 200,
    )
    assert.deepEqual(await allRows(url, path), before)
    assert.match(
      await (await fetch(`${url}/metrics`)).text(),
      /results_rebuilds_total{[^}]*} [1-9]/,
    )
  })

  test('a flush of a view that nobody writes and nobody reads is found within a second', async () => {
    await app.append('counts', entries(0, 10, 1))
    await app.position('counts', 1)
    const { url } = await start()
    await ready(url)
    await redis.flushdb()
    await until(
      () => redis.keys('*:rows'),
      (keys) => keys.length > 0,
      5_000,
    )
    await ready(url)
  })

  test('results killed in the middle goes on where Redis is, without a row missing', async () => {
    const first = await startChild()
    const appending = Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        app.append('counts', entries(i * 1_000, (i + 1) * 1_000, 1)),
      ),
    )
    await until(
      () => redis.keys('*:rows'),
      (keys) => keys.length > 0,
    )
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    await appending
    await app.append('counts', entries(5_000, 6_000, 2))
    await app.position('counts', 3)
    const second = await startChild()
    const reply = await ready(second.url)
    assert.equal(sourceOf(reply), 3)
    const expected = entries(0, 20_000, 1).map(({ row }) => row)
    for (const { row } of entries(5_000, 6_000, 2)) expected[Number(row.id)] = row
    assert.deepEqual(await allRows(second.url, path), expected)
  })

  test('two instances share the changelog; when one goes the other takes over', async () => {
    const [a, b] = await Promise.all([start(), start()])
    await app.append('counts', entries(0, 2_000, 1))
    await app.position('counts', 1)
    await Promise.all([ready(a.url), ready(b.url)])
    await app.append('counts', entries(0, 2_000, 2))
    await a.stop()
    await app.append('counts', entries(1_000, 2_000, 3))
    await app.position('counts', 2)
    await until(
      () => get(b.url, path),
      (reply) => reply.status === 200 && sourceOf(reply) === 2,
      40_000,
    )
    const expected = [...entries(0, 1_000, 2), ...entries(1_000, 2_000, 3)].map(({ row }) => row)
    assert.deepEqual(await allRows(b.url, path), expected)
  })

  test('P6: a position is not declared before its changelog is applied', async () => {
    await app.append('counts', entries(0, 10, 1))
    await app.position('counts', 1)
    const { url } = await start()
    await ready(url)
    const ends = app.ends('counts')
    const future = Object.fromEntries(ends.map((end, p) => [p, String(end + (p === 0 ? 1n : 0n))]))
    await app.position('counts', 2, { changelog: future })
    const late = Date.now() + 60_000
    await app.position('counts', 3, { changelog: future, current_at: late, complete: false })
    // The mark of incompleteness comes with the position's record: then it has been read.
    const marked = await until(
      () => get(url, path),
      ({ body }) => body.meta.complete === false,
    )
    assert.equal(marked.headers.get('kappa-complete'), 'false')
    assert.equal(sourceOf(marked), 1)
    let id = 10
    while (app.ends('counts')[0] === ends[0]) {
      await app.append('counts', entries(id, id + 1, 1))
      id += 1
    }
    const reached = await until(
      () => get(url, path),
      (reply) => sourceOf(reply) === 3,
    )
    assert.equal(reached.body.rows.length >= id, true)
    assert.equal(reached.body.meta.freshness_ms, 0)
  })

  test('P4: a cursor of a former release is refused, and no rows of another one are answered', async () => {
    await app.append('counts', entries(0, 10, 1))
    await app.position('counts', 1)
    const { url } = await start({ KAPPA_RESULTS_SWITCH_WAIT_MS: '300' })
    await ready(url)
    const { body } = await get(url, `${path}?limit=2`)
    await app.publishRelease(2, 2)
    await app.position('counts', 5, { release: 2 })
    await app.goLive(2, 2)
    const switched = await until(
      () => get(url, path),
      (reply) => reply.body.meta?.release === 2,
    )
    assert.equal(sourceOf(switched), 5)
    assert.equal(switched.body.rows.length, 10)
    const refused = await get(url, `${path}?limit=2&cursor=${body.next_cursor}`)
    assert.equal(refused.status, 409)
    assert.equal(refused.body.error.code, 'release_changed')
    // Another instance has switched already; this one has not heard of it.
    await redis.hset(app.pointer, 'epoch', '9', 'release', '3')
    for (const which of [path, `${path}/rows/7`]) {
      const behind = await get(url, which)
      assert.equal(behind.body.error?.code, 'switching')
      assert.equal(behind.headers.get('retry-after'), '1')
    }
  })

  test('Redis that is away is 503 at once, and not ready', async () => {
    const service = await start({
      KAPPA_REDIS_URL: 'redis://127.0.0.1:1',
      KAPPA_REDIS_TIMEOUT_MS: '200',
    })
    const health = await get(service.url, '/health/ready')
    assert.equal(health.status, 503)
    assert.match(JSON.stringify(health.body), /redis/)
    await app.position('counts', 1)
    const reply = await until(
      () => get(service.url, path),
      ({ body }) => body.error?.code === 'redis_unavailable',
    )
    assert.equal(reply.status, 503)
    assert.equal(reply.headers.get('retry-after'), '1')
  })
})
