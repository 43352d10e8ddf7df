import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Kafka } from '@kappa/kafka/port'
import type { Service } from '@kappa/service/lifecycle'
import { connectRedis, type RedisClient } from '@kappa/view-store/redis-client'
import { slotOf, ViewStore } from '@kappa/view-store/view-store'
import fc from 'fast-check'
import { readResultsConfig } from '../config.ts'
import {
  connectTestKafka,
  environment,
  FakeApplication,
  get,
  namespace,
  sourceOf,
  startResults,
} from './fixture.ts'

const database = 22
const partitions = 3
const keys = 24
const view = {
  key: ['id'],
  ranked: ['n'],
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'n', type: 'bigint', nullable: false },
  ],
}

/** What happens in one batch of Spark, and beside it. */
interface Batch {
  /** Rows that it writes, by id, in the order in which they come into the changelog. */
  readonly ids: readonly number[]
  /** Between its first rows and the others: Spark is slow. */
  readonly sparkMs: number
  /** Between the changelog and the position: replay is slow. */
  readonly positionMs: number
  /** A partition that Redis does not take for a time. */
  readonly frozen: number | undefined
  readonly frozenMs: number
  /** For which Redis takes no writes at all. */
  readonly pausedMs: number
  /** An instance more or less: the partitions go round. */
  readonly rebalance: boolean
}

const ms = (max: number) => fc.integer({ min: 0, max })
const batch: fc.Arbitrary<Batch> = fc.record({
  ids: fc.uniqueArray(fc.integer({ min: 0, max: keys - 1 }), { minLength: 1, maxLength: keys }),
  sparkMs: ms(20),
  positionMs: ms(20),
  frozen: fc.option(fc.integer({ min: 0, max: partitions - 1 }), { nil: undefined }),
  frozenMs: ms(60),
  pausedMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: ms(80) }),
  rebalance: fc.oneof(
    { weight: 9, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
})

describe('P6: a position is never ahead of the rows', () => {
  const config = readResultsConfig(environment(database))
  let redis: RedisClient
  let store: ViewStore
  let kafka: Kafka

  before(async () => {
    redis = connectRedis(config.redis, 'test', () => undefined)
    await new Promise((resolve) => redis.once('ready', resolve))
    await redis.flushdb()
    store = new ViewStore(redis, namespace)
    kafka = await connectTestKafka()
  })
  after(async () => {
    redis.disconnect()
    await kafka.close()
  })

  const start = () =>
    startResults(environment(database, { KAPPA_RESULTS_CHECK_INTERVAL_MS: '100' }))

  test('whatever is slow between Spark, the changelog and Redis, and whoever has the partitions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 80, maxLength: 100 }), async (batches) => {
        const app = new FakeApplication(kafka, { view }, partitions)
        await app.publish()
        const services: Service[] = [await start(), await start()]
        const over = new AbortController()
        /** By source, the rows that a batch has written up to it. */
        const written = new Map<number, ReadonlyMap<number, number>>()
        try {
          await app.position('view', 0)
          await untilAll(app, services, 0)
          const reading = [0, 1].map((at) => readAll(app, () => services[at], written, over.signal))
          const readers = Promise.all(reading)
          readers.catch(() => over.abort())
          await run(app, batches, written, services, over.signal)
          const wanted = batches.length
          await Promise.race([untilAll(app, services, wanted), readers])
          over.abort()
          const answers = await readers
          assert.ok(
            answers.every((count) => count > 50),
            `${answers} answers`,
          )
        } finally {
          over.abort()
          await Promise.all(services.map((service) => service.stop()))
          await app.forget()
          await app.close()
        }
      }),
      { numRuns: 1, endOnFailure: true },
    )
  })

  async function run(
    app: FakeApplication,
    batches: readonly Batch[],
    written: Map<number, ReadonlyMap<number, number>>,
    services: Service[],
    signal: AbortSignal,
  ): Promise<void> {
    let rows = new Map<number, number>()
    for (const [index, one] of batches.entries()) {
      if (signal.aborted) return
      const source = index + 1
      rows = new Map([...rows, ...one.ids.map((id) => [id, source] as const)])
      written.set(source, rows)
      const freezing = freeze(app, one)
      if (one.pausedMs > 0) await redis.call('CLIENT', 'PAUSE', one.pausedMs, 'WRITE')
      if (one.rebalance) await rebalance(services)
      const half = Math.ceil(one.ids.length / 2)
      await append(app, one.ids.slice(0, half), source)
      await delay(one.sparkMs)
      await append(app, one.ids.slice(half), source)
      await delay(one.positionMs)
      await app.position('view', source)
      await freezing
    }
  }

  async function append(app: FakeApplication, ids: readonly number[], source: number) {
    if (ids.length === 0) return
    await app.append(
      'view',
      ids.map((id) => ({ key: [String(id)], batch: source, row: { id, n: source } })),
    )
  }

  async function freeze(app: FakeApplication, { frozen, frozenMs }: Batch): Promise<void> {
    if (frozen === undefined) return
    const slot = slotOf(namespace, app.name, 1, 'view', frozen)
    const { outcome } = await store.freeze(slot, 1_000)
    assert.equal(outcome, 'done')
    await delay(frozenMs)
    await store.unfreeze(slot, 1_000)
  }

  async function rebalance(services: Service[]): Promise<void> {
    if (services.length < 3) services.push(await start())
    else await services.pop()?.stop()
  }

  /** How many answers it had; fails with one that has less than its position says, or goes back. */
  async function readAll(
    app: FakeApplication,
    service: () => Service | undefined,
    written: ReadonlyMap<number, ReadonlyMap<number, number>>,
    signal: AbortSignal,
  ): Promise<number> {
    let answers = 0
    let newest = 0
    const seen = new Map<number, number>()
    while (!signal.aborted) {
      const order = answers % 2 === 0 ? 'key' : '-n'
      const reply = await get(service()?.url ?? '', `/v1/views/${app.name}/view?order=${order}`)
      if (reply.status !== 200) {
        await delay(5)
        continue
      }
      answers += 1
      const source = sourceOf(reply)
      assert.ok(source >= newest, `position ${source} after ${newest}`)
      newest = source
      const rows = new Map(reply.body.rows.map(({ id, n }) => [Number(id), Number(n)]))
      for (const [id, n] of written.get(source) ?? []) {
        const has = rows.get(id) ?? 0
        assert.ok(has >= n, `at position ${source} row ${id} is of ${has}, not of ${n}`)
      }
      for (const [id, n] of rows) {
        assert.ok(n >= (seen.get(id) ?? 0), `row ${id} went back to ${n}`)
        seen.set(id, n)
      }
    }
    return answers
  }

  async function untilAll(app: FakeApplication, services: readonly Service[], source: number) {
    for (const { url } of services) {
      for (;;) {
        const reply = await get(url, `/v1/views/${app.name}/view`)
        if (reply.status === 200 && sourceOf(reply) === source) break
        await delay(20)
      }
    }
  }
})
