import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Kafka } from '@kappa/kafka/port'
import type { Service } from '@kappa/service/lifecycle'
import { until } from '@kappa/test/until'
import {
  type ChangelogEntry,
  connectTestKafka,
  connectTestRedis,
  environment,
  FakeApplication,
  get,
  namespace,
  sourceOf,
  startResults,
} from './fixture.ts'
import { Follower } from './follower.ts'

const database = 21
const hourMs = 3_600_000
const day = Date.UTC(2013, 0, 1)
const hours = {
  key: ['carrier', 'hour'],
  time: 'hour',
  ranked: ['flights'],
  retainMs: 24 * hourMs,
  columns: [
    { name: 'carrier', type: 'string', nullable: false },
    { name: 'hour', type: 'timestamp', nullable: true },
    { name: 'flights', type: 'bigint', nullable: false },
  ],
}

function hour(number: number): string {
  return `${new Date(day + number * hourMs).toISOString().slice(0, 19)}.000000Z`
}

function entry(carrier: string, number: number | null, batch: number): ChangelogEntry {
  const at = number === null ? null : hour(number)
  return { key: [carrier, at], batch, row: { carrier, hour: at, flights: (number ?? 0) % 7 } }
}

describe('a view that retains its rows for a day', () => {
  const redis = connectTestRedis(database)
  let kafka: Kafka
  let service: Service
  let app: FakeApplication
  let path: string
  let source = 0

  before(async () => {
    await redis.flushdb()
    kafka = await connectTestKafka()
    app = new FakeApplication(kafka, { hours }, 2)
    path = `/v1/views/${app.name}/hours`
    await app.publish()
    await write(
      96,
      ['UA', 'AA'].flatMap((carrier) => range(0, 97, carrier, 1)),
    )
    service = await startResults(environment(database, { KAPPA_RESULTS_REMOVAL_DELAY_MS: '0' }))
    await reached()
  })
  after(async () => {
    await service.stop()
    await app.close()
    await kafka.close()
    await redis.quit()
  })

  function range(from: number, to: number, carrier: string, batch: number): ChangelogEntry[] {
    return Array.from({ length: to - from }, (_, index) => entry(carrier, from + index, batch))
  }

  /** With the watermark at an hour. */
  async function write(watermarkHour: number, entries: readonly ChangelogEntry[]): Promise<void> {
    source += 1
    await app.append('hours', entries)
    await app.position('hours', source, { watermark: day + watermarkHour * hourMs })
  }

  /** Rows that are left out are removed with a later batch of their partition. */
  async function writeUntil(
    watermarkHour: number,
    entries: readonly ChangelogEntry[],
    done: () => Promise<boolean>,
  ): Promise<void> {
    await until(async () => {
      await write(watermarkHour, entries)
      await reached()
      return done()
    }, Boolean)
  }

  function reached() {
    return until(
      () => get(service.url, `${path}?limit=1`),
      (reply) => reply.status === 200 && sourceOf(reply) === source,
    )
  }

  async function keysIn(part: string): Promise<number> {
    const keys = await redis.keys(`${namespace}:{${app.name}/1/hours/*}:${part}`)
    const counts = await Promise.all(keys.map((key) => redis.zcard(key)))
    return counts.reduce((total, count) => total + count, 0)
  }

  /** Times of the rows that Redis has, in their order. */
  async function timesIn(): Promise<string[]> {
    const keys = await redis.keys(`${namespace}:{${app.name}/1/hours/*}:index1`)
    const entries = await Promise.all(keys.map((key) => redis.zrangebylex(key, '-', '+')))
    const times = entries.flat().map((entry) => entry.slice(1, entry.indexOf('\0')))
    return [...new Set(times)].sort()
  }

  test('answers rows from a day before the watermark on, in every order and by every route', async () => {
    for (const order of ['key', 'time', '-time', 'flights']) {
      const { body } = await get(service.url, `${path}?order=${order}&limit=1000`)
      assert.equal(body.rows.length, 2 * 25, order)
      assert.ok(body.rows.every((row) => String(row.hour) >= hour(72)))
    }
    assert.equal((await get(service.url, `${path}/rows/UA,${hour(72)}`)).status, 200)
    assert.equal((await get(service.url, `${path}/rows/UA,${hour(71)}`)).status, 404)
    const count = await get(service.url, `${path}/count`)
    assert.equal((count.body as unknown as { count: number }).count, 2 * 25)
    const bounded = await get(service.url, `${path}?from=${hour(10)}&to=${hour(80)}`)
    assert.equal(bounded.body.rows.length, 2 * 8)
    assert.equal((bounded.body.meta as unknown as { rows_from: string }).rows_from, hour(72))
  })

  test('rows that the watermark leaves behind are gone at once, and from Redis with the next changes', async () => {
    const etag = (await get(service.url, `${path}?limit=1000`)).headers.get('etag')
    await write(100, [])
    await reached()
    const { body, headers } = await get(service.url, `${path}?limit=1000`)
    assert.equal(body.rows.length, 2 * 21)
    assert.notEqual(headers.get('etag'), etag)
    await writeUntil(100, [...range(97, 101, 'UA', 2), ...range(97, 101, 'AA', 2)], () =>
      keysIn('index0').then((rows) => rows === 2 * 25),
    )
    assert.equal(await keysIn('index1'), 2 * 25)
    assert.equal(await keysIn('index2'), 2 * 25)
  })

  test('what comes too old, or without a time, is not kept; pages go on while rows leave', async () => {
    const first = await get(service.url, `${path}?order=time&limit=5`)
    await write(102, [entry('UA', 3, 3), entry('UA', null, 3), entry('UA', 101, 3)])
    await reached()
    assert.equal((await get(service.url, `${path}/rows/UA,${hour(3)}`)).status, 404)
    await writeUntil(102, [...range(97, 101, 'UA', 4), ...range(97, 101, 'AA', 4)], () =>
      timesIn().then((times) => times.length > 0 && times.every((at) => at >= hour(78))),
    )
    const next = `${path}?order=time&limit=1000&cursor=${first.body.next_cursor}`
    const { status, body } = await get(service.url, next)
    assert.equal(status, 200)
    assert.equal(body.rows[0]?.hour, hour(78), 'the first that is left')
    assert.equal(body.rows.length, 1 + 2 * 22 + 1, 'one of hour 78 was on the first page')
  })

  test('who follows it is told from when on it has rows', async () => {
    const follower = new Follower(`${service.url}${path}/changes`)
    try {
      const isCurrent = (told: Follower['events'][number]) => told.event === 'current'
      await until(
        async () => follower.of('current').length,
        (told) => told > 0,
      )
      assert.equal(follower.rows().size, 2 * 23 + 1)
      await write(110, [entry('AA', 103, 4)])
      const rowsFrom = hour(110 - 24)
      await until(
        async () =>
          follower.events.filter(isCurrent).at(-1)?.data as unknown as { rows_from: string },
        (told) => told?.rows_from === rowsFrom,
      )
      const kept = [...follower.rows().values()].filter((row) => String(row.hour) >= rowsFrom)
      await reached()
      const { body } = await get(service.url, `${path}?limit=1000`)
      const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort()
      assert.deepEqual(sorted(kept), sorted(body.rows))
    } finally {
      follower.close()
    }
  })
})
