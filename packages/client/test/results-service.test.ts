import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { FakeReplay } from '@kappa/results/test/fake-replay'
import {
  connectTestKafka,
  connectTestRedis,
  environment,
  FakeApplication,
  startResults,
} from '@kappa/results/test/fixture'
import { until } from '@kappa/test/until'
import { ResultsClient } from '../src/results-client.ts'
import type { ViewApi } from '../src/view-api.ts'
import { callKappa } from './run-kappa.ts'

type Row = { readonly k: string; readonly at: string; readonly n: number }

const database = 17
const columns = [
  { name: 'k', type: 'string', nullable: false },
  { name: 'at', type: 'timestamp', nullable: false },
  { name: 'n', type: 'bigint', nullable: true },
]
const views = { v: { key: ['k', 'at'], time: 'at', ranked: ['n'], columns } }
const at = '2013-01-01T05:00:00.000000Z'
const names = ['a,b/c', 'größer "🛫"', '[x', 'z']
const entry = (k: string, n: number | null, batch: number) => ({
  key: [k, at],
  batch,
  row: n === null ? null : { k, at, n },
})

let kafka: Awaited<ReturnType<typeof connectTestKafka>>
let replay: FakeReplay
let service: Awaited<ReturnType<typeof startResults>>
let [blue, green]: FakeApplication[] = []
let client: ResultsClient
let api: ViewApi<Row>

const env = { KAPPA_RESULTS_HEARTBEAT_MS: '200', KAPPA_RESULTS_SWITCH_WAIT_MS: '3000' }
const start = (port: string) =>
  startResults(environment(database, { ...env, KAPPA_HTTP_PORT: port }))

before(async () => {
  kafka = await connectTestKafka()
  const redis = connectTestRedis(database)
  await redis.flushdb()
  await redis.quit()
  replay = await FakeReplay.open(kafka, database)
  blue = new FakeApplication(kafka, views, 2)
  green = new FakeApplication(kafka, views, 2, { name: blue.name, release: 2 })
  await blue.publish()
  await green.createTopics()
  service = await start('0')
  client = new ResultsClient({ url: service.url })
  api = client.view<Row>(blue.name, 'v')
  await write(
    blue,
    1,
    names.map((k, n) => entry(k, n, 1)),
  )
  await until(
    () => api.count().catch(() => ({ count: 0 })),
    ({ count }) => count === names.length,
  )
})
after(async () => {
  client?.close()
  await service?.stop()
  await Promise.all([blue?.forget(), green?.forget()])
  await Promise.all([blue?.close(), green?.close(), replay?.close()])
  await kafka?.close()
})

async function write(
  release: FakeApplication | undefined,
  source: number,
  entries: readonly ReturnType<typeof entry>[],
): Promise<void> {
  await release?.append('v', entries)
  await release?.position('v', source)
}

test('the service understands what the client asks', async () => {
  const [view] = (await client.views()).filter(({ application }) => application === blue?.name)
  assert.deepEqual([view?.key, view?.time, view?.rows], [['k', 'at'], 'at', names.length])
  for (const [n, k] of names.entries()) {
    const found = await api.get([k, new Date(at)])
    assert.deepEqual(found?.row, { k, at, n })
    const { rows } = await api.query({ where: { k, at: { gte: new Date(at) } } })
    assert.deepEqual(rows, [{ k, at, n }])
  }
  assert.equal(await api.get(['none', at]), undefined)
  const { rows: many, meta } = await api.getMany([
    ['z', at],
    ['none', at],
  ])
  assert.deepEqual(many, [{ k: 'z', at, n: 3 }, null])
  const where = { k: ['z', '[x', 'a,b/c'], n: { gt: 0, lte: 3 } }
  const query = { where, from: at, to: new Date('2013-01-02'), await: meta.position } as const
  const found = await Array.fromAsync(api.rows({ ...query, order: '-n', limit: 1 }))
  assert.deepEqual(
    found.map(({ k }) => k),
    ['z', '[x'],
  )
  assert.equal((await api.count(query)).count, 2)
  const texts = await api.query({
    columns: ['n'],
    numbers: 'string',
    where: { k: { prefix: '[' } },
  })
  assert.deepEqual<unknown>(texts.rows, [{ n: '2' }])
  await assert.rejects(api.query({ order: 'm' }), { code: 'unknown_column' })
  await assert.rejects(api.subscribe({}, { lastEventId: '?' }).next(), { code: 'bad_cursor' })
})

test('the service understands what the commands ask', async () => {
  const kappa = (...args: string[]) => callKappa(args, { KAPPA_RESULTS_URL: service.url })
  const view = `${blue?.name}/v`
  const table = await kappa('query', view, 'k=z', 'k=[x', `from=${at}`, '--order', '-n')
  assert.deepEqual(
    [table.code, table.stdout],
    [0, 'k   at                    n\nz   2013-01-01T05:00:00Z  3\n[x  2013-01-01T05:00:00Z  2\n'],
    table.stderr,
  )
  assert.match(table.stderr, /^2 rows of release 1, as of 20.*, \d+\.\d s old\n$/)
  const csv = await kappa('query', view, '--all', '--format', 'csv', '--columns', 'n,k')
  assert.deepEqual(csv.stdout.split('\r\n').sort(), [
    '',
    '0,"a,b/c"',
    '1,"größer ""🛫"""',
    '2,[x',
    '3,z',
    'n,k',
  ])
  assert.match(csv.stderr, /^rows of release 1, as of 20/)
  const one = await kappa('query', view, '--key', JSON.stringify(['a,b/c', at]), '--json')
  assert.deepEqual(JSON.parse(one.stdout).row, { k: 'a,b/c', at, n: 0 })
  assert.equal((await kappa('query', view, '--key', `none,${at}`)).code, 1)
  assert.equal((await kappa('query', view, '--count')).stdout, '4\n')
})

test('a subscriber has the rows, over a restart of the service and a switch of the release', async () => {
  const rows = new Map<unknown, Row>()
  const types: string[] = []
  const abort = new AbortController()
  const follow = async () => {
    const backoff = { retryDelayMsMin: 20, retryDelayMsMax: 100 }
    for await (const event of api.subscribe({}, { signal: abort.signal, backoff })) {
      types.push(event.type)
      if (event.type === 'snapshot') rows.clear()
      if (event.type === 'row') rows.set(event.key[0], event.row)
      if (event.type === 'delete') rows.delete(event.key[0])
    }
  }
  const following = follow()
  const have = (n: number) =>
    until(
      () => rows.get('z')?.n,
      (found) => found === n,
    )
  await have(3)
  // Until then there is no id to go on from.
  await until(
    () => types.includes('current'),
    (isCurrent) => isCurrent,
  )
  const { port } = new URL(service.url)
  await service.stop()
  await write(blue, 2, [entry('z', 30, 2), entry('[x', null, 2)])
  service = await start(port)
  await have(30)
  // The other release has counted otherwise.
  await green?.publishRelease(2, 1, 'ready')
  await write(green, 2, [entry('z', 300, 1), entry('new', 1, 1)])
  await replay.switch(blue!, green!, 5)
  await have(300)
  await until(
    () => rows.size,
    (size) => size === 2,
  )
  abort.abort()
  await following
  const all = await Array.fromAsync(api.rows())
  assert.deepEqual(
    all.map(({ k }) => k),
    ['new', 'z'],
  )
  assert.deepEqual(
    all.map(({ k }) => rows.get(k)),
    all,
  )
  assert.equal(types.filter((type) => type === 'snapshot').length, 1, 'it went on')
  assert.equal(types.filter((type) => type === 'release').length, 1)
})
