import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Kafka } from '@kappa/kafka/port'
import type { Service } from '@kappa/service/lifecycle'
import { seededRandom } from '@kappa/test/random'
import { until } from '@kappa/test/until'
import { FakeReplay } from './fake-replay.ts'
import {
  type ChangelogEntry,
  connectTestKafka,
  connectTestRedis,
  environment,
  FakeApplication,
  get,
  type Row,
  startResults,
} from './fixture.ts'
import { Follower } from './follower.ts'

const database = 16
const partitions = 3
const columns = [
  { name: 'k', type: 'string', nullable: false },
  { name: 'i', type: 'int', nullable: false },
  { name: 'n', type: 'bigint', nullable: true },
]
const views = { v: { key: ['k', 'i'], ranked: ['n'], columns } }
const quick = { KAPPA_RESULTS_HEARTBEAT_MS: '300', KAPPA_RESULTS_SWITCH_WAIT_MS: '3000' }

describe('following a view', () => {
  let kafka: Kafka
  let replay: FakeReplay
  let blue: FakeApplication
  let green: FakeApplication
  /** Newer than any of the tests before, as instances know them all. */
  let epoch = 1
  const nextEpoch = () => {
    epoch += 5
    return epoch
  }
  const services: Service[] = []
  const followers: Follower[] = []

  before(async () => {
    kafka = await connectTestKafka()
    replay = await FakeReplay.open(kafka, database)
  })
  after(async () => {
    await replay?.close()
    await kafka?.close()
  })
  beforeEach(async () => {
    const redis = connectTestRedis(database)
    await redis.flushdb()
    await redis.quit()
    blue = new FakeApplication(kafka, views, partitions)
    green = new FakeApplication(kafka, views, partitions, { name: blue.name, release: 2 })
    await blue.publish()
    await green.createTopics()
  })
  afterEach(async () => {
    for (const follower of followers.splice(0)) follower.close()
    await Promise.all(services.splice(0).map((service) => service.stop()))
    await Promise.all([blue.forget(), green.forget()])
    await Promise.all([blue.close(), green.close()])
  })

  async function start(more: Record<string, string> = {}): Promise<Service> {
    const service = await startResults(environment(database, { ...quick, ...more }))
    services.push(service)
    return service
  }

  const path = (rest = '') => `/v1/views/${blue.name}/v${rest}`

  function follow(service: Service, query = '', lastId?: string): Follower {
    const follower = new Follower(`${service.url}${path(`/changes${query}`)}`, lastId)
    followers.push(follower)
    return follower
  }

  const entry = (k: string, i: number, n: number | null, batch: number): ChangelogEntry => ({
    key: [k, String(i)],
    batch,
    row: n === null ? null : { k, i, n },
  })

  async function write(
    release: FakeApplication,
    source: number,
    entries: readonly ChangelogEntry[],
  ): Promise<void> {
    await release.append('v', entries)
    await release.position('v', source)
  }

  async function ready(service: Service, source: number): Promise<void> {
    await until(
      () => get(service.url, path()),
      ({ status, headers }) =>
        status === 200 && sourceOfToken(headers.get('kappa-position') ?? '') >= source,
    )
  }

  const reached = (source: number) => (told: Follower['events'][number]) =>
    told.event === 'current' && sourceOfToken(told.data.position) >= source

  test('all rows come first, then each change once, then how fresh they are', async () => {
    await write(blue, 1, [entry('a', 1, 10, 1), entry('b', -2, 20, 1)])
    const service = await start()
    await ready(service, 1)
    const follower = follow(service)
    await follower.untilEvent(reached(1))
    assert.deepEqual(
      follower.events.map(({ event }) => event),
      ['snapshot', 'row', 'row', 'current'],
    )
    assert.deepEqual(follower.events[1]?.data, { key: ['a', 1], row: { k: 'a', i: 1, n: 10 } })
    const before = follower.events.length
    await write(blue, 2, [entry('a', 1, 11, 2), entry('b', -2, null, 2), entry('c', 3, 5, 2)])
    await follower.untilEvent(reached(2))
    const told = follower.events.slice(before).filter(({ event }) => event !== 'current')
    assert.deepEqual(told.map(({ event, data }) => [event, data.key, data.row?.n]).sort(), [
      ['delete', ['b', -2], undefined],
      ['row', ['a', 1], 11],
      ['row', ['c', 3], 5],
    ])
    const count = follower.of('current').length
    await until(
      () => follower.of('current').length,
      (now) => now > count + 1,
    )
    assert.equal(follower.of('row').length, 4, 'signs of life repeat nothing')
  })

  test('filters: a row that leaves what they let through is told as gone', async () => {
    await write(blue, 1, [entry('a', 1, 10, 1), entry('b', 1, 10, 1), entry('a', 2, 50, 1)])
    const service = await start()
    await ready(service, 1)
    const follower = follow(service, '?k=a&n.lt=40&columns=n')
    await follower.untilEvent(reached(1))
    assert.deepEqual([...follower.rows()], [['["a",1]', { n: 10 }]])
    await write(blue, 2, [entry('a', 1, 41, 2), entry('a', 2, 39, 2), entry('b', 1, 1, 2)])
    await follower.untilEvent(reached(2))
    assert.deepEqual([...follower.rows()], [['["a",2]', { n: 39 }]])
    const refused = await get(service.url, path('/changes?x=1'))
    assert.equal(refused.body.error.code, 'unknown_column')
  })

  test('P4: resumed over restarts of results nothing is lost and nothing told twice', async () => {
    const random = seededRandom(7)
    const latest = new Map<string, Row>()
    await write(blue, 1, [entry('k0', 0, 0, 1)])
    latest.set('["k0",0]', { k: 'k0', i: 0, n: 0 })
    let service = await start()
    await ready(service, 1)
    let follower = follow(service)
    await follower.untilEvent(reached(1))
    let rows = new Map<string, Row>()
    let lastId: string | undefined
    const told = new Set<string>()
    for (let turn = 2; turn < 8; turn += 1) {
      const changes = Array.from({ length: 200 }, (_, index) => {
        const [k, i] = [`k${Math.floor(random() * 20)}`, Math.floor(random() * 5)]
        const isDelete = random() < 0.2
        const n = turn * 1_000 + index
        if (isDelete) latest.delete(JSON.stringify([k, i]))
        else latest.set(JSON.stringify([k, i]), { k, i, n })
        return entry(k, i, isDelete ? null : n, turn)
      })
      const writing = write(blue, turn, changes)
      if (turn % 2 === 0) {
        // In the middle of it all.
        await follower.untilEvent(({ event }) => event === 'row' || event === 'delete')
        await service.stop()
        services.length = 0
        await until(
          () => follower.ended,
          (ended) => ended,
        )
        take()
        await writing
        service = await start()
        await ready(service, 1)
        follower = follow(service, '', lastId)
      } else await writing
      await follower.untilEvent(reached(turn))
    }
    take()
    assert.deepEqual(Object.fromEntries(rows), Object.fromEntries(latest))
    assert.equal(follower.of('snapshot').length, 0, 'it went on')

    function take(): void {
      for (const { event, data } of follower.events) {
        if (event !== 'row' || Number(data.row.n) < 2_000) continue
        assert.ok(!told.has(String(data.row.n)), `${data.row.n} was told twice`)
        told.add(String(data.row.n))
      }
      rows = follower.rows(rows)
      lastId = follower.lastId
    }
  })

  test('P4: a switch is told with exactly the rows that differ, and nobody is cut off', async () => {
    const both = Array.from({ length: 3_000 }, (_, i) => entry(`k${i % 7}`, i, i, 1))
    const changed = (i: number) => i % 500 === 3
    await write(blue, 5, [...both, entry('only blue', 1, 1, 1)])
    await write(green, 5, [
      ...both.map((each, i) => (changed(i) ? entry(`k${i % 7}`, i, -i, 1) : each)),
      entry('only green', 1, 2, 1),
    ])
    await green.publishRelease(2, 1, 'ready')
    const service = await start()
    await ready(service, 5)
    const follower = follow(service)
    await follower.untilEvent(reached(5))
    const seen = follower.events.length
    await replay.switch(blue, green, nextEpoch())
    await follower.untilEvent(({ event, data }) => event === 'current' && data.release === 2)
    const told = follower.events.slice(seen).filter(({ event }) => event !== 'current')
    assert.deepEqual(told[0]?.data, { from: 1, to: 2 })
    const expected = both
      .map((_, i) => i)
      .filter(changed)
      .map((i) => `row ${JSON.stringify([`k${i % 7}`, i])}`)
    assert.deepEqual(
      told
        .slice(1)
        .map(({ event, data }) => `${event} ${JSON.stringify(data.key)}`)
        .sort(),
      [...expected, 'delete ["only blue",1]', 'row ["only green",1]'].sort(),
    )
    assert.equal(follower.ended, false)
    // It goes on with the changes of the new release, and with none of the old one.
    await write(blue, 6, [entry('k1', 1, -600, 2)])
    await write(green, 6, [entry('k1', 1, -601, 2)])
    await follower.untilEvent(
      ({ event, data }) => event === 'current' && sourceOfToken(data.position) === 6,
    )
    assert.equal(follower.rows().get('["k1",1]')?.n, -601)
    assert.ok(!follower.of('row').some(({ data }) => data.row.n === -600))
  })

  test('P4: who was away during the switch gets what differs from what they have', async () => {
    await write(blue, 1, [entry('a', 1, 1, 1), entry('b', 1, 1, 1)])
    await write(green, 1, [entry('a', 1, 1, 1), entry('b', 1, 1, 1)])
    await green.publishRelease(2, 1, 'ready')
    const service = await start()
    await ready(service, 1)
    const first = follow(service)
    await first.untilEvent(reached(1))
    first.close()
    const away = [entry('a', 1, 2, 2), entry('c', 1, 3, 2)]
    await write(blue, 2, [...away, entry('b', 1, null, 2)])
    await write(green, 2, [...away, entry('b', 1, 9, 2)])
    await ready(service, 2)
    await replay.switch(blue, green, nextEpoch())
    const again = follow(service, '', first.lastId)
    await again.untilEvent(({ event, data }) => event === 'current' && data.release === 2)
    assert.equal(again.of('snapshot').length, 0)
    assert.deepEqual(Object.fromEntries(again.rows(first.rows())), {
      '["a",1]': { k: 'a', i: 1, n: 2 },
      '["b",1]': { k: 'b', i: 1, n: 9 },
      '["c",1]': { k: 'c', i: 1, n: 3 },
    })
  })

  test('P2: a row of an older batch, which readers do not get, is not told either', async () => {
    await write(blue, 1, [entry('a', 1, 1, 5)])
    const service = await start()
    await ready(service, 1)
    const follower = follow(service)
    await follower.untilEvent(reached(1))
    await write(blue, 2, [entry('a', 1, 2, 7)])
    await write(blue, 3, [entry('a', 1, -9, 6)])
    await follower.untilEvent(reached(3))
    assert.equal(follower.rows().get('["a",1]')?.n, 2)
    assert.ok(!follower.of('row').some(({ data }) => data.row.n === -9))
  })

  test('P4: cut off in what a switch changes, a follower begins with all rows', async () => {
    await write(blue, 1, [entry('a', 1, 1, 1)])
    await write(green, 1, [entry('a', 1, 2, 1)])
    await green.publishRelease(2, 1, 'ready')
    const service = await start()
    await ready(service, 1)
    const follower = follow(service)
    await follower.untilEvent(reached(1))
    await replay.switch(blue, green, nextEpoch())
    const told = await follower.untilEvent(({ event }) => event === 'release')
    assert.equal(told.id, '', 'there is nothing to go on from')
    const again = follow(service, '', '')
    await again.untilEvent(({ event }) => event === 'current')
    assert.equal(again.of('snapshot').length, 1)
    assert.equal(again.rows().get('["a",1]')?.n, 2)
  })

  test('P5: a flush of Redis loses no follower a change', async () => {
    await write(blue, 1, [entry('a', 1, 1, 1)])
    const service = await start()
    await ready(service, 1)
    const follower = follow(service)
    await follower.untilEvent(reached(1))
    const redis = connectTestRedis(database)
    await redis.flushdb()
    await redis.quit()
    await write(blue, 2, [entry('a', 1, 2, 2)])
    await follower.untilEvent(({ data }) => data.row?.n === 2)
    await follower.untilEvent(reached(2))
    assert.deepEqual(Object.fromEntries(follower.rows()), { '["a",1]': { k: 'a', i: 1, n: 2 } })
  })

  test('a reader that is too slow costs no memory, and is told to come back', async () => {
    await write(blue, 1, [entry('a', 0, 0, 1)])
    const service = await start({
      KAPPA_RESULTS_SLOW_READER_MS: '500',
      KAPPA_RESULTS_FEED_BYTES_MAX: '65536',
    })
    await ready(service, 1)
    const slow = follow(service)
    const quickOne = follow(service)
    await Promise.all([slow, quickOne].map((each) => each.untilEvent(reached(1))))
    slow.pause()
    const long = 'x'.repeat(2_000)
    for (let source = 2; source < 12; source += 1) {
      const entries = Array.from({ length: 1_000 }, (_, i) => entry(long, i, source, source))
      await write(blue, source, entries)
    }
    await quickOne.untilEvent(reached(11), 60_000)
    assert.equal(quickOne.rows().size, 1_001)
    slow.resume()
    const told = await slow.untilEvent(({ event }) => event === 'resume', 60_000)
    assert.match(told.data.message, /too slowly/)
    const rest = follow(service, '', slow.lastId)
    await rest.untilEvent(reached(11), 60_000)
    assert.deepEqual(
      Object.fromEntries(rest.rows(slow.rows())),
      Object.fromEntries(quickOne.rows()),
    )
  })

  test('more followers than are allowed are refused; those that are gone make room', async () => {
    await write(blue, 1, [entry('a', 1, 1, 1)])
    const service = await start({ KAPPA_RESULTS_SUBSCRIBERS_MAX: '2' })
    await ready(service, 1)
    const [one, two] = [follow(service), follow(service)]
    await Promise.all([one, two].map((each) => each.untilEvent(reached(1))))
    const refused = await get(service.url, path('/changes'))
    assert.equal(refused.status, 429)
    assert.match(refused.body.error.message, /2 clients.*KAPPA_RESULTS_SUBSCRIBERS_MAX/)
    one.close()
    const three = await until(
      () => {
        const next = follow(service)
        return until(
          () => next,
          ({ status }) => status !== undefined,
        )
      },
      ({ status }) => status === 200,
    )
    await three.untilEvent(reached(1))
    for (const [query, id] of [
      ['', 'abc'],
      ['?k=b', three.lastId],
      ['?columns=k', three.lastId],
    ] as const) {
      const wrong = await fetch(`${service.url}${path(`/changes${query}`)}`, {
        headers: { 'last-event-id': id ?? '' },
      })
      assert.equal(wrong.status, 400, query)
      assert.match(await wrong.text(), /not an id of an event of this view with these filters/)
    }
  })
})

function sourceOfToken(token: string): number {
  if (token === '') return -1
  return Number(JSON.parse(Buffer.from(token, 'base64url').toString()).topics.events['0'])
}
