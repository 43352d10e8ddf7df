import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Kafka } from '@kappa/kafka/port'
import type { Service } from '@kappa/service/lifecycle'
import { seededRandom } from '@kappa/test/random'
import { until } from '@kappa/test/until'
import type { Redis } from 'ioredis'
import { positionToken } from '../control/told-position.ts'
import { FakeReplay, partsOf } from './fake-replay.ts'
import {
  connectTestKafka,
  connectTestRedis,
  environment,
  FakeApplication,
  get,
  sourceOf,
  startResults,
  topics,
} from './fixture.ts'
import { hearingLate } from './hearing-late.ts'
import { readUntil, type Seen } from './reader.ts'

const database = 10
const partitions = 2
const keys = 20
const switches = 50
/** Of a replay that comes after all others here. */
const fence = 1_000
/** How far one release may be behind the other, and an instance behind what was committed. */
const apartMsMax = 300
const seed = Number(process.env.KAPPA_TEST_SEED ?? Date.now() % 1_000_000)
const random = seededRandom(seed)
const columns = [
  { name: 'id', type: 'int', nullable: false },
  { name: 'n', type: 'bigint', nullable: false },
  { name: 'release', type: 'int', nullable: false },
]
const views = { first: { key: ['id'], columns }, second: { key: ['id'], columns } }
const viewNames = Object.keys(views)

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed()
  return `median ${at(0.5)} ms, most ${at(1)} ms`
}

describe('P4: a switch of release', () => {
  let kafka: Kafka
  let redis: Redis
  let replay: FakeReplay
  let blue: FakeApplication
  let green: FakeApplication
  const services: Service[] = []

  before(async () => {
    redis = connectTestRedis(database)
    kafka = await connectTestKafka()
    replay = await FakeReplay.open(kafka, database)
  })
  after(async () => {
    await replay?.close()
    await redis?.quit()
    await kafka?.close()
  })
  beforeEach(async () => {
    await redis.flushdb()
    blue = new FakeApplication(kafka, views, partitions)
    green = new FakeApplication(kafka, views, partitions, { name: blue.name, release: 2 })
    await blue.publish()
    await green.createTopics()
    await green.publishRelease(2, 1, 'ready')
    await Promise.all([write(blue, 1), write(green, 1)])
  })
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()))
    await Promise.all([blue.forget(), green.forget()])
    await Promise.all([blue.close(), green.close()])
  })

  /** What both releases make of the log up to the source position `n`: every row says it. */
  async function write(release: FakeApplication, n: number): Promise<void> {
    const entries = Array.from({ length: keys }, (_, id) => ({
      key: [String(id)],
      batch: n,
      row: { id, n, release: release.release },
    }))
    for (const view of viewNames) {
      await release.append(view, entries)
      await release.position(view, n)
    }
  }

  async function start(more: Record<string, string> = {}, over?: Kafka): Promise<Service> {
    const service = await startResults(environment(database, more), over)
    services.push(service)
    await until(
      () => Promise.all(viewNames.map((view) => get(service.url, pathOf(view)))),
      (replies) => replies.every(({ status }) => status === 200),
    )
    return service
  }

  const pathOf = (view: string) => `/v1/views/${blue.name}/${view}`
  const metric = async (url: string, line: RegExp) =>
    line.exec(await (await fetch(`${url}/metrics`)).text())?.[1]
  const loaded = (url: string, state: string) =>
    metric(
      url,
      new RegExp(
        `kappa_results_loaded_releases{[^}]*application="${blue.name}",state="${state}"[^}]*} (\\d+)`,
      ),
    )
  const bothLoaded = (...instances: Service[]) =>
    until(
      () => Promise.all(instances.map(({ url }) => loaded(url, 'ready'))),
      (counts) => counts.every((count) => count === '1'),
    )
  const isApplied = async (release: FakeApplication) => {
    const statuses = partsOf(release).map(async ({ view, partition, slot }) => {
      return (await replay.store.status(slot))?.next === release.ends(view)[partition]
    })
    return (await Promise.all(statuses)).every(Boolean)
  }

  test(`no answer of ${switches} switches fails, mixes releases or goes backwards`, async (t) => {
    const late = hearingLate(await connectTestKafka(), topics.releases, random)
    const [a, b] = await Promise.all([start(), start({}, late)])
    await bothLoaded(a, b)
    const seen: Seen = {
      epoch: 1,
      positions: new Map(),
      values: new Map(),
      releaseOf: (epoch) => (epoch % 2 === 1 ? 1 : 2),
      committedFrom: replay.committedFrom,
      answers: 0,
      longestMs: 0,
    }
    replay.committedFrom[1] = 0
    let isStopped = false
    const writers = [blue, green].map(async (release) => {
      for (let n = 2; !isStopped; n += 1) {
        await write(release, n)
        // Now and then one is behind the other, as clusters are.
        if (n % 10 === 0) await delay(random() * apartMsMax)
      }
    })
    const urls = [a.url, b.url]
    const readers = Array.from({ length: 6 }, (_, i) =>
      readUntil(
        () => isStopped,
        i % 2 === 0 ? urls : urls.toReversed(),
        blue.name,
        viewNames,
        keys,
        seen,
      ),
    )
    const reading = Promise.all([...writers, ...readers]).finally(() => {
      isStopped = true
    })
    const switching = async () => {
      for (let epoch = 2; epoch <= switches + 1; epoch += 1) {
        const [from, to] = epoch % 2 === 0 ? [blue, green] : [green, blue]
        await replay.switch(from, to, epoch)
        await until(
          () => seen.epoch,
          (shown) => isStopped || shown === epoch,
        )
        if (isStopped) return
      }
      isStopped = true
    }
    await Promise.all([reading, switching()])
    const own = replay.frozenMs.map((ms, index) => ms - (replay.catchUpMs[index] ?? 0))
    t.diagnostic(
      `seed ${seed}; ${seen.answers} answers, longest ${seen.longestMs.toFixed()} ms, up to position ${seen.positions.get('first')}; frozen: ${spread(replay.frozenMs)}; of that without the wait for the other release: ${spread(own)}`,
    )
    assert.equal(seen.epoch, switches + 1)

    // A replay of the time before the last switch wakes up, after Redis has lost the fence as well.
    await redis.flushdb()
    await until(
      () => Promise.all([isApplied(blue), isApplied(green)]),
      (done) => done.every(Boolean),
    )
    for (const { slot } of [...partsOf(blue), ...partsOf(green)]) {
      const newest = switches + 1
      const late = await replay.store.freeze(slot, newest)
      assert.deepEqual(late, { outcome: 'fenced', by: newest + 1 })
      assert.equal((await replay.store.freeze(slot, newest + 1)).outcome, 'done')
    }
  })

  test('a frozen release stays readable, shows in the metrics, and ends in time', async () => {
    const [a, b] = await Promise.all([start({ KAPPA_STOP_TIMEOUT_MS: '30000' }), start()])
    const parts = partsOf(blue)
    for (const { slot } of parts) {
      assert.equal((await replay.store.freeze(slot, fence)).outcome, 'done')
    }
    await write(blue, 2)
    await write(green, 2)
    const labels = `application="${blue.name}",release="1",view="first"`
    const frozen = new RegExp(`kappa_results_frozen_partitions{[^}]*${labels}[^}]*} (\\d)`)
    await until(
      async () => [await metric(a.url, frozen), await metric(b.url, frozen)],
      (values) => values.every((value) => value === String(partitions)),
    )
    await until(
      () => isApplied(green),
      (done) => done,
    )
    for (const { url } of [a, b]) {
      const reply = await get(url, pathOf('first'))
      assert.deepEqual([...new Set(reply.body.rows.map(({ n }) => n))], [1])
      assert.equal(sourceOf(reply), 1)
    }
    const started = performance.now()
    await a.stop()
    // A batch that does not end holds a consumer for 5 s.
    assert.ok(performance.now() - started < 4_500, 'it could not stop while it was frozen')
    for (const { slot } of parts) await replay.store.unfreeze(slot, fence)
    const reply = await until(
      () => get(b.url, pathOf('first')),
      (answer) => sourceOf(answer) === 2,
      40_000,
    )
    assert.deepEqual([...new Set(reply.body.rows.map(({ n }) => n))], [2])
  })

  test('a request waits until its instance hears of the switch, and of what clients were told', async () => {
    const { url } = await start()
    await until(
      () => isApplied(green),
      (done) => done,
    )
    await replay.store.point(blue.name, 2, 2)
    const waiting = viewNames.map((view) => get(url, pathOf(view)))
    // A cursor of the new release comes to an instance that has not heard of it.
    await green.publishRelease(2, 2)
    await green.goLive(2, 2)
    for (const reply of await Promise.all(waiting)) {
      assert.equal(reply.status, 200, JSON.stringify(reply.body))
      assert.equal(reply.body.meta.release, 2)
    }
    const told = positionToken({ events: { '0': '7' } })
    await redis.hset(blue.pointer, 'told:first', told)
    const later = get(url, pathOf('first'))
    await write(green, 7)
    assert.equal(sourceOf(await later), 7)
  })

  test('a release that goes live before an instance has loaded it is waited for', async () => {
    const { url } = await start({ KAPPA_RESULTS_SWITCH_WAIT_MS: '30000' })
    const third = new FakeApplication(kafka, views, partitions, { name: blue.name, release: 3 })
    await third.createTopics()
    await write(third, 2)
    await third.publishRelease(3, 2)
    await third.goLive(3, 2)
    await until(
      async () => {
        const paths = [pathOf('first'), pathOf('second'), '/v1/views']
        const replies = await Promise.all(paths.map((path) => get(url, path)))
        for (const { status, body } of replies) assert.equal(status, 200, JSON.stringify(body))
        const listed = replies[2]?.body.views.filter((view) => view.application === blue.name)
        assert.equal(listed?.length, viewNames.length)
        return replies.slice(0, 2)
      },
      (replies) => replies.every(({ body }) => body.meta.release === 3),
    )
    await third.forget()
    await third.close()
  })

  test('an instance that does not hear in time of what was told answers 503, nothing older', async () => {
    const { url } = await start({ KAPPA_RESULTS_SWITCH_WAIT_MS: '200' })
    const told = positionToken({ events: { '0': '7' } })
    await redis.hset(blue.pointer, 'told:first', told)
    const reply = await get(url, pathOf('first'))
    assert.equal(reply.body.error?.code, 'behind')
    assert.equal(reply.headers.get('retry-after'), '1')
    assert.equal((await get(url, pathOf('second'))).status, 200)
  })

  test('a release whose changelogs are deleted before its record comes is let go, and leaves nothing', async () => {
    const [a, b] = await Promise.all([start(), start()])
    await bothLoaded(a, b)
    await until(
      () => isApplied(green),
      (done) => done,
    )
    await green.deleteChangelogs()
    await replay.removeRows(green.name, 2)
    await until(
      async () => [await loaded(a.url, 'ready'), await loaded(b.url, 'ready')],
      (counts) => counts.every((count) => count === undefined),
    )
    await green.publishRelease(2, 2, 'cancelled')
    assert.equal(await replay.hasRows(green.name, 2), false)
    await write(blue, 2)
    const alive = until(
      () => Promise.all([get(a.url, pathOf('first')), get(b.url, pathOf('first'))]),
      (replies) => replies.every((reply) => sourceOf(reply) === 2),
    )
    await Promise.race([alive, a.failed, b.failed])
    assert.equal(await replay.hasRows(green.name, 2), false)
  })

  test('a release that is cancelled while it is loaded is let go; the live one of a failed replay is not', async () => {
    const service = await start()
    const { url, failed } = service
    await bothLoaded(service)
    await blue.publishRelease(1, 2, 'failed')
    await green.publishRelease(2, 2, 'cancelled')
    const gone = until(
      async () => [await loaded(url, 'ready'), await loaded(url, 'failed')],
      ([ready, live]) => ready === undefined && live === '1',
    )
    await Promise.race([gone, failed])
    await green.deleteChangelogs()
    await replay.removeRows(green.name, 2)
    await write(blue, 2)
    const alive = until(
      () => get(url, pathOf('first')),
      (reply) => sourceOf(reply) === 2,
    )
    await Promise.race([alive, failed])
    assert.equal(await replay.hasRows(green.name, 2), false)
  })
})
