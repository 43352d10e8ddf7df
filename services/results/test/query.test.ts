import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Kafka } from '@kappa/kafka/port'
import type { Service } from '@kappa/service/lifecycle'
import { until } from '@kappa/test/until'
import fc from 'fast-check'
import {
  connectTestKafka,
  connectTestRedis,
  environment,
  FakeApplication,
  get,
  type Row,
  startResults,
} from './fixture.ts'

const database = 11
const partitions = 3
const hours = {
  key: ['carrier', 'hour'],
  time: 'hour',
  columns: [
    { name: 'carrier', type: 'string', nullable: true },
    { name: 'hour', type: 'timestamp', nullable: false },
    { name: 'flights', type: 'bigint', nullable: false },
  ],
}
const places = {
  key: ['tail', 'seat'],
  time: 'seen_at',
  ranked: ['miles', 'speed'],
  columns: [
    { name: 'tail', type: 'string', nullable: true },
    { name: 'seat', type: 'int', nullable: false },
    { name: 'seen_at', type: 'timestamp', nullable: true },
    { name: 'miles', type: 'bigint', nullable: true },
    { name: 'speed', type: 'double', nullable: true },
  ],
}
const timeless = {
  key: ['id'],
  columns: [
    { name: 'id', type: 'string', nullable: false },
    { name: 'paid', type: 'decimal(10,2)', nullable: true },
  ],
}

// Names whose order in UTF-16 is not their order in bytes, and that JSON has to escape.
const carriers = ['UA', 'AA', 'B6', 'ü', '\u{1f6eb}', '\uff5e', 'a"b\\', 'a,b', '\u0001', '', 'UA ']

describe('P6: queries', () => {
  let kafka: Kafka
  let service: Service
  let app: FakeApplication
  const expected = { hours: [] as Row[], places: [] as Row[] }

  before(async () => {
    const redis = connectTestRedis(database)
    await redis.flushdb()
    await redis.quit()
    kafka = await connectTestKafka()
    app = new FakeApplication(kafka, { hours, places, timeless }, partitions)
    await app.publish()
    for (const carrier of [...carriers, null]) {
      for (let h = 0; h < 24; h += 1) {
        const hour = `2013-01-01T${String(h).padStart(2, '0')}:00:00.000000Z`
        expected.hours.push({ carrier, hour, flights: expected.hours.length })
      }
    }
    for (let i = 0; i < 300; i += 1) {
      const minute = String((i * 7) % 60).padStart(2, '0')
      const seen_at = i % 11 === 0 ? null : `2013-01-0${1 + (i % 4)}T10:${minute}:00.000000Z`
      const miles = i % 13 === 0 ? null : ((i * 37) % 101) - 50
      const speed = i % 17 === 0 ? null : ((i * 53) % 97) / 7 - 5
      expected.places.push({ tail: `N${i % 50}`, seat: i * 7 - 900, seen_at, miles, speed })
    }
    await app.append(
      'hours',
      expected.hours.map((row) => ({ key: key(row, hours.key), batch: 1, row })),
    )
    // Rows first at another time, then at theirs: the time index must follow.
    const moved = expected.places.map((row) => ({
      ...row,
      seen_at: '2012-12-31T00:00:00.000000Z',
      miles: 1_000,
    }))
    for (const [batch, rows] of [moved, expected.places].entries()) {
      await app.append(
        'places',
        rows.map((row) => ({ key: key(row, places.key), batch, row })),
      )
    }
    await app.append('timeless', [{ key: ['x'], batch: 1, row: { id: 'x', paid: 1.5 } }])
    for (const view of ['hours', 'places', 'timeless']) await app.position(view, 7)
    service = await startResults(environment(database))
    for (const view of ['hours', 'places', 'timeless']) {
      await until(
        () => get(service.url, `/v1/views/${app.name}/${view}`),
        ({ status }) => status === 200,
      )
    }
  })

  after(async () => {
    await service?.stop()
    await app?.close()
    await kafka?.close()
  })

  const columns = { hours: hours.key, places: places.key }
  const timeOf = { hours: 'hour', places: 'seen_at' }

  type Name = 'hours' | 'places'

  /** Nulls first, numbers by value, texts by their bytes: what the API promises, from the rows alone. */
  function compareValues(a: Row[string] | undefined, b: Row[string] | undefined): number {
    if (a == null || b == null) return Number(a != null) - Number(b != null)
    if (typeof a === 'number' && typeof b === 'number') return a - b
    return Buffer.from(String(a)).compare(Buffer.from(String(b)))
  }

  function sorted(view: Name, rows: readonly Row[], order: string): Row[] {
    const name = order.replace('-', '')
    const first = name === 'key' ? [] : [name === 'time' ? timeOf[view] : name]
    const by = [...first, ...columns[view]]
    const compare = (a: Row, b: Row) =>
      by.map((column) => compareValues(a[column], b[column])).find((result) => result !== 0) ?? 0
    const ascending = [...rows].sort(compare)
    return order.startsWith('-') ? ascending.reverse() : ascending
  }

  async function listAll(
    view: string,
    parameters: readonly (readonly [string, string])[],
    limit = 100,
  ): Promise<Row[]> {
    const rows: Row[] = []
    let cursor: string | undefined
    for (let page = 0; page < 1_000; page += 1) {
      const query = new URLSearchParams(parameters.map(([name, value]) => [name, value]))
      if (cursor) query.set('cursor', cursor)
      const { status, body } = await get(service.url, `/v1/views/${app.name}/${view}?${query}`)
      assert.equal(status, 200, JSON.stringify(body))
      assert.ok(body.rows.length <= limit)
      rows.push(...body.rows)
      if (body.next_cursor === undefined) return rows
      cursor = body.next_cursor
    }
    throw new Error('a listing without an end')
  }

  const comparisons = {
    gt: (order: number) => order > 0,
    gte: (order: number) => order >= 0,
    lt: (order: number) => order < 0,
    lte: (order: number) => order <= 0,
  }
  const hour = (number: number) =>
    `${new Date(Date.UTC(2013, 0, 1, number)).toISOString().slice(0, 19)}.000000Z`
  const values: Record<string, fc.Arbitrary<string | number>> = {
    carrier: fc.constantFrom(...carriers, 'no such'),
    hour: fc.integer({ min: 0, max: 30 }).map(hour),
    tail: fc.integer({ min: 0, max: 55 }).map((n) => `N${n}`),
    seat: fc.integer({ min: -901, max: 1_250 }),
    seen_at: fc.integer({ min: 0, max: 96 }).map(hour),
    miles: fc.integer({ min: -60, max: 60 }),
    speed: fc.integer({ min: -40, max: 70 }).map((n) => n / 7),
  }

  /** Wanted of one column: its parameters, and what they mean. */
  interface Wanted {
    readonly parameters: readonly (readonly [name: string, value: string])[]
    readonly holds: (row: Row) => boolean
  }

  function wanted(column: string): fc.Arbitrary<Wanted> {
    const value = values[column] as fc.Arbitrary<string | number>
    const anyOf = fc.array(value, { minLength: 1, maxLength: 5 }).map((several) => ({
      parameters: several.map((each) => [column, String(each)] as const),
      holds: (row: Row) => several.includes(row[column] as string | number),
    }))
    const bound = (names: readonly (keyof typeof comparisons)[]) =>
      fc.tuple(fc.constantFrom(...names), value)
    const range = fc
      .record({ lower: bound(['gt', 'gte']), upper: bound(['lt', 'lte']) }, { requiredKeys: [] })
      .map(({ lower, upper }) => {
        const bounds = [lower, upper].filter((found) => found !== undefined)
        return {
          parameters: bounds.map(([name, limit]) => [`${column}.${name}`, String(limit)] as const),
          holds: (row: Row) =>
            bounds.every(
              ([name, limit]) =>
                row[column] !== null && comparisons[name](compareValues(row[column], limit)),
            ),
        }
      })
    const prefix = fc.constantFrom('U', 'N1', 'a', '\u0001', '', '\u{1f6eb}').map((text) => ({
      parameters: [[`${column}.prefix`, text] as const],
      holds: (row: Row) => String(row[column] ?? '\0').startsWith(text) && row[column] !== null,
    }))
    return ['carrier', 'tail'].includes(column)
      ? fc.oneof(anyOf, range, prefix)
      : fc.oneof(anyOf, range)
  }

  const queryOf = (view: Name, names: readonly string[], orders: readonly string[]) =>
    fc.record({
      view: fc.constant(view),
      wanted: fc
        .subarray([...names])
        .chain((chosen) => fc.tuple(...chosen.map((column) => wanted(column)))),
      order: fc.option(fc.constantFrom(...orders.flatMap((each) => [each, `-${each}`])), {
        nil: undefined,
      }),
      limit: fc.option(fc.integer({ min: 1, max: 70 }), { nil: undefined }),
    })

  test('any filters, ranges, order and page size give the rows of a sort and a filter in memory', async () => {
    const query = fc.oneof(
      queryOf('hours', ['carrier', 'hour'], ['key', 'time', 'hour']),
      queryOf(
        'places',
        ['tail', 'seat', 'seen_at', 'miles', 'speed'],
        ['key', 'time', 'miles', 'speed'],
      ),
    )
    await fc.assert(
      fc.asyncProperty(query, async ({ view, wanted, order, limit }) => {
        const parameters = wanted.flatMap((each) => each.parameters)
        if (order !== undefined) parameters.push(['order', order])
        if (limit !== undefined) parameters.push(['limit', String(limit)])
        const rows = expected[view].filter((row) => wanted.every(({ holds }) => holds(row)))
        assert.deepEqual(await listAll(view, parameters, limit), sorted(view, rows, order ?? 'key'))
      }),
      { numRuns: 300 },
    )
  })

  test('from and to bound the time, which orders then', async () => {
    const bounds = [
      ['from', hour(10)],
      ['to', hour(58)],
    ] as const
    for (const view of ['hours', 'places'] as const) {
      const at = (row: Row) => String(row[timeOf[view]] ?? '')
      const rows = expected[view].filter((row) => at(row) >= hour(10) && at(row) < hour(58))
      assert.deepEqual(await listAll(view, bounds), sorted(view, rows, 'time'))
    }
  })

  test('every row is found by its key, in both spellings, and no other is', async () => {
    const rows = `/v1/views/${app.name}/hours/rows`
    for (const row of expected.hours.filter((_, index) => index % 5 === 0)) {
      const array = encodeURIComponent(JSON.stringify(key(row, hours.key)))
      const reply = await get(service.url, `${rows}/${array}`)
      assert.equal(reply.status, 200, JSON.stringify(reply.body))
      assert.deepEqual(reply.body.row, row)
    }
    const plain = await get(service.url, `${rows}/UA,2013-01-01T06:00:00%2B01:00`)
    assert.equal(plain.body.row.hour, '2013-01-01T05:00:00.000000Z')
    const unknown = await get(service.url, `${rows}/UA,2014-01-01`)
    assert.equal(unknown.status, 404)
    assert.equal(unknown.body.error.code, 'unknown_key')
    assert.equal(unknown.headers.get('kappa-release'), '1')
    const short = await get(service.url, `${rows}/UA`)
    assert.equal(short.body.error.code, 'bad_filter')
    assert.match(short.body.error.message, /carrier, hour/)
  })

  test('every answer tells release, position and freshness, in headers and in its body', async () => {
    for (const path of ['hours', 'hours/rows/UA,2013-01-01']) {
      const { headers, body } = await get(service.url, `/v1/views/${app.name}/${path}`)
      assert.equal(headers.get('kappa-release'), '1')
      assert.equal(headers.get('kappa-position'), body.meta.position)
      assert.deepEqual(JSON.parse(Buffer.from(body.meta.position, 'base64url').toString()), {
        v: 1,
        topics: { events: { '0': '7' } },
      })
      assert.equal(headers.get('kappa-as-of'), body.meta.as_of)
      const freshness = Number(headers.get('kappa-freshness-ms'))
      assert.equal(freshness, body.meta.freshness_ms)
      assert.ok(freshness > 0 && freshness < 120_000, String(freshness))
      assert.equal(body.meta.complete, true)
    }
  })

  test('the list of views has columns, row counts, state and freshness', async () => {
    const { body } = await get(service.url, '/v1/views')
    const mine = body.views.filter((view) => view.application === app.name)
    assert.deepEqual(
      mine.map(({ view, rows, state, time }) => ({ view, rows, state, time })),
      [
        { view: 'hours', rows: expected.hours.length, state: 'ready', time: 'hour' },
        { view: 'places', rows: 300, state: 'ready', time: 'seen_at' },
        { view: 'timeless', rows: 1, state: 'ready', time: null },
      ],
    )
  })

  const wrong = [
    ['no-app/hours', 404, 'unknown_application', /no application "no-app"/],
    ['APP/hous', 404, 'unknown_view', /Did you mean "hours"/],
    ['APP/hours?carier=UA', 400, 'unknown_column', /Did you mean "carrier".*carrier, hour/],
    [
      'APP/hours?flights=3',
      400,
      'unknown_column',
      /neither in the key nor.*`ranked`.*carrier, hour/,
    ],
    ['APP/hours?hour.ge=2013-01-01', 400, 'bad_filter', /no such operator.*hour\.gte/],
    ['APP/hours?hour.prefix=2013', 400, 'bad_filter', /needs a column of text.*timestamp/],
    ['APP/hours?from=2013-01-01&hour.gt=2013-01-01', 400, 'bad_filter', /so does another/],
    ['APP/hours?from=2013-01-01&from=2013-01-02', 400, 'bad_filter', /more than once/],
    ['APP/hours?hour=yesterday', 400, 'bad_filter', /hour.*timestamp.*2013-01-01T05:00:00Z/],
    ['APP/places?seat=2147483648', 400, 'bad_filter', /2147483647/],
    ['APP/hours?from=1', 400, 'bad_filter', /"from" is "1"/],
    ['APP/timeless?from=2013-01-01', 400, 'bad_filter', /declares none/],
    ['APP/timeless?order=time', 400, 'bad_filter', /declares none/],
    ['APP/hours?order=flights', 400, 'unknown_column', /not ranked.*`ranked`.*key, hour/],
    ['APP/hours?order=flight', 400, 'unknown_column', /Did you mean "flights"/],
    ['APP/hours?limit=0', 400, 'bad_request', /limit/],
    ['APP/hours?limit=1001', 400, 'bad_request', /limit/],
    ['APP/hours?cursor=abc', 400, 'bad_cursor', /not one that this service/],
  ] as const
  for (const [path, status, code, message] of wrong) {
    test(`${path} is ${status} ${code}`, async () => {
      const reply = await get(service.url, `/v1/views/${path.replace('APP', app.name)}`)
      assert.equal(reply.status, status, JSON.stringify(reply.body))
      assert.equal(reply.body.error.code, code)
      const { message: text, details } = reply.body.error
      assert.match(`${text} ${JSON.stringify(details)}`, message)
    })
  }

  test('a cursor goes with its query only', async () => {
    const first = await get(service.url, `/v1/views/${app.name}/hours?carrier=UA&limit=5`)
    const cursor = first.body.next_cursor ?? ''
    const other = await get(
      service.url,
      `/v1/views/${app.name}/hours?carrier=AA&limit=5&cursor=${cursor}`,
    )
    assert.equal(other.body.error.code, 'bad_cursor')
  })

  test('the OpenAPI document describes the routes, and the rows of each view', async () => {
    const { body } = await get(service.url, '/openapi.json')
    const paths = Object.keys(body.paths)
    assert.deepEqual(paths.slice(0, 6), [
      '/v1/views',
      '/v1/views/{application}/{view}',
      '/v1/views/{application}/{view}/rows/{key}',
      '/v1/views/{application}/{view}/rows',
      '/v1/views/{application}/{view}/count',
      '/v1/views/{application}/{view}/changes',
    ])
    assert.ok(paths.includes(`/v1/views/${app.name}/places`))
    const { schemas } = (body as unknown as { components: { schemas: Record<string, Schema> } })
      .components
    const row = schemas[`${app.name}.places`]
    assert.deepEqual(row?.required, ['tail', 'seat', 'seen_at', 'miles', 'speed'])
    assert.deepEqual(row?.properties.miles, {
      type: ['integer', 'null'],
      format: 'int64',
      description: 'bigint',
    })
    assert.deepEqual(row?.properties.seat?.type, 'integer')
  })

  test('long answers are compressed for who takes it', async () => {
    const url = `${service.url}/v1/views/${app.name}/hours?limit=200`
    const zipped = await fetch(url, { headers: { 'accept-encoding': 'gzip' } })
    assert.equal(zipped.headers.get('content-encoding'), 'gzip')
    assert.equal(((await zipped.json()) as { rows: Row[] }).rows.length, 200)
    const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
    assert.equal(plain.headers.get('content-encoding'), null)
    await plain.text()
  })
})

interface Schema {
  readonly required: readonly string[]
  readonly properties: Readonly<Record<string, { readonly type: unknown }>>
}

function key(row: Row, columns: readonly string[]): (string | null)[] {
  return columns.map((column) => {
    const value = row[column]
    return value === null || value === undefined ? null : String(value)
  })
}
