import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { ApiError, ConnectionError } from '../src/errors.ts'
import { ResultsClient } from '../src/results-client.ts'
import type { ViewApi } from '../src/view-api.ts'
import { carrierHours, FakeResults, meta } from './fake-results.ts'

interface CarrierHour {
  readonly carrier: string
  readonly hour: string
  readonly flights: number
  readonly delayed: boolean | null
}

let fake: FakeResults
let client: ResultsClient
let hours: ViewApi<CarrierHour>
before(async () => {
  fake = await FakeResults.start()
  client = new ResultsClient({ url: fake.url })
  hours = client.view<CarrierHour>('flights', 'carrier_hours')
})
afterEach(() => fake.reset())
after(async () => {
  client.close()
  await fake.stop()
})

const path = '/v1/views/flights/carrier_hours'
const row = { carrier: 'UA', hour: '2013-01-01T05:00:00.000000Z', flights: 3, delayed: null }

/** What `query` asks, decoded. */
async function asked(query: Parameters<typeof hours.query>[0]): Promise<[string, string][]> {
  await hours.query(query).catch(() => undefined)
  return [...new URL(fake.url + fake.calls.at(-1)?.path).searchParams]
}

test('the views are listed', async () => {
  fake.ok('GET /v1/views', { views: [carrierHours] })
  assert.deepEqual(await client.views(), [carrierHours])
})

test('a query says what is meant: values, any of several, bounds, dates, and how it is written', async () => {
  assert.deepEqual(await asked({}), [])
  assert.equal(fake.asked.at(-1), `GET ${path}`)
  const query = {
    where: {
      carrier: ['UA', 'größer & = + 🛫'],
      hour: { gte: new Date('2013-01-01T05:00:00Z'), lt: '2013-01-02' },
      flights: 12_345_678_901_234_567_890n,
      delayed: false,
    },
    from: new Date(0),
    to: '2014-01-01',
    order: '-flights',
    limit: 7,
    cursor: 'c/1',
    columns: ['hour', 'carrier'],
    numbers: 'string',
    await: 'p1',
    awaitFor: 'read',
    timeoutMs: 500,
  } as const
  assert.deepEqual(await asked(query), [
    ['carrier', 'UA'],
    ['carrier', 'größer & = + 🛫'],
    ['hour.gte', '2013-01-01T05:00:00.000Z'],
    ['hour.lt', '2013-01-02'],
    ['flights', '12345678901234567890'],
    ['delayed', 'false'],
    ['from', '1970-01-01T00:00:00.000Z'],
    ['to', '2014-01-01'],
    ['order', '-flights'],
    ['limit', '7'],
    ['cursor', 'c/1'],
    ['columns', 'hour,carrier'],
    ['numbers', 'string'],
    ['await', 'p1'],
    ['await_for', 'read'],
    ['timeout_ms', '500'],
  ])
  assert.deepEqual(await asked({ where: { carrier: { prefix: '' } } }), [['carrier.prefix', '']])
})

test('a filter that would be lost on the way is refused: it would mean all rows', async () => {
  const anything = client.view('flights', 'carrier_hours')
  const wrong = [{ carrier: [] }, { carrier: undefined }, { carrier: {} }, { limit: 3 }]
  for (const where of wrong as { carrier: string }[]) {
    await assert.rejects(anything.query({ where }), TypeError, JSON.stringify(where))
  }
  await assert.rejects(anything.count({ where: { hour: { gte: undefined as never } } }), TypeError)
  await assert.rejects(anything.query({ from: new Date('never') }), RangeError)
  assert.deepEqual(fake.calls, [])
  await anything.query({ where: { limit: { gte: 3 } } }).catch(() => undefined)
  assert.equal(fake.asked.at(-1), `GET ${path}?limit.gte=3`)
})

test('a page is told with its cursor; all pages are read to the end, of one release', async () => {
  const page = (n: number, next?: string) => ({
    rows: [{ ...row, flights: n }],
    ...(next === undefined ? {} : { next_cursor: next }),
    meta,
  })
  fake.ok(`GET ${path}?limit=1`, page(1, 'c1'))
  assert.deepEqual(await hours.query({ limit: 1 }), {
    rows: [{ ...row, flights: 1 }],
    nextCursor: 'c1',
    meta,
  })
  fake.ok(`GET ${path}?carrier=UA&limit=1000&await=p1`, page(1, 'c1'))
  fake.ok(`GET ${path}?carrier=UA&limit=1000&cursor=c1`, { ...page(0, 'c2'), rows: [] })
  fake.ok(`GET ${path}?carrier=UA&limit=1000&cursor=c2`, page(3))
  const where = { carrier: 'UA' }
  const rows = await Array.fromAsync(hours.rows({ where, await: 'p1' }))
  assert.deepEqual(
    rows.map(({ flights }) => flights),
    [1, 3],
  )

  fake.refuse(`GET ${path}?carrier=UA&limit=1000&cursor=c1`, 409, 'release_changed')
  const seen: number[] = []
  await assert.rejects(
    async () => {
      for await (const { flights } of hours.rows({ where, await: 'p1' })) seen.push(flights)
    },
    (error) => error instanceof ApiError && error.code === 'release_changed',
  )
  assert.deepEqual(seen, [1])
})

test('a key is sent whole, whatever is in it; a key without a row is no error', async () => {
  const key = ['a,b/c "ü"', new Date('2013-01-01T05:00:00Z'), 3, 1.5, 2n ** 60n, true, null]
  const sent = ['a,b/c "ü"', '2013-01-01T05:00:00.000Z', 3, '1.5', String(2n ** 60n), true, null]
  const call = `GET ${path}/rows/${encodeURIComponent(JSON.stringify(sent))}`
  fake.ok(call, { row, meta })
  assert.deepEqual(await hours.get(key), { row, meta })
  fake.ok(`GET ${path}/rows/UA%2C2013-01-01?columns=flights&await=p1`, { row, meta })
  const found = await hours.get('UA,2013-01-01', { columns: ['flights'], await: 'p1' })
  assert.deepEqual(found?.row, row)
  fake.ok(`GET ${path}/rows/%5B%22..%22%5D`, { row, meta })
  assert.deepEqual(await hours.get('..'), { row, meta })

  fake.refuse(`GET ${path}/rows/%5B%22XX%22%5D`, 404, 'unknown_key')
  assert.equal(await hours.get(['XX']), undefined)
  fake.refuse(`GET ${path}/rows/%5B%22XX%22%5D`, 404, 'unknown_view')
  await assert.rejects(hours.get(['XX']), { code: 'unknown_view' })

  const rows = [row, null]
  fake.ok(`POST ${path}/rows?numbers=string`, { rows, meta })
  const many = await hours.getMany([key, ['XX']], { numbers: 'string' })
  assert.deepEqual(many, { rows, meta })
  assert.deepEqual(fake.calls.at(-1)?.body, { keys: [sent, ['XX']] })
})

test('rows are counted; names are encoded; refusals and lost connections are told as such', async () => {
  fake.ok(`GET ${path}/count?carrier=UA&from=2013-01-01`, { count: 7, meta })
  const counted = await hours.count({ where: { carrier: 'UA' }, from: '2013-01-01' })
  assert.deepEqual(counted, { count: 7, meta })
  fake.ok('GET /v1/views/a%2Fb/c%3F/count', { count: 0, meta })
  assert.equal((await client.view('a/b', 'c?').count()).count, 0)

  fake.refuse(`GET ${path}?order=delayed`, 400, 'unknown_column')
  await assert.rejects(hours.query({ order: 'delayed' }), (error) => {
    assert.ok(error instanceof ApiError)
    assert.deepEqual([error.status, error.code], [400, 'unknown_column'])
    return true
  })
  const nobody = new ResultsClient({ url: 'http://127.0.0.1:9' })
  await assert.rejects(nobody.view('a', 'b').query(), ConnectionError)
  nobody.close()
})

test('an answer as the service writes it keeps all digits, and tells when it was cut off', async () => {
  const lines = '{"flights":9223372036854775807}\n'
  const call = `GET ${path}?limit=2&format=ndjson`
  fake.ok(call, lines, { 'kappa-release': '1' })
  const releases: unknown[] = []
  const read = async () => {
    const onHeaders = (headers: Record<string, unknown>) => releases.push(headers['kappa-release'])
    const chunks = await Array.fromAsync(hours.bytes({ limit: 2, format: 'ndjson' }, { onHeaders }))
    return Buffer.concat(chunks).toString()
  }
  assert.equal(await read(), lines)
  assert.deepEqual(releases, ['1'])
  fake.answers.set(call, { status: 200, body: lines, isCut: true })
  await assert.rejects(read(), ConnectionError)
})
