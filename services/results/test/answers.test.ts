import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Kafka } from '@kappa/kafka/port'
import type { Service } from '@kappa/service/lifecycle'
import { until } from '@kappa/test/until'
import { positionToken } from '../control/told-position.ts'
import {
  connectTestKafka,
  connectTestRedis,
  environment,
  FakeApplication,
  get,
  startResults,
} from './fixture.ts'

const database = 15
const rowsInAll = 2_600
const sales = {
  key: ['shop', 'day'],
  time: 'day',
  ranked: ['total'],
  columns: [
    { name: 'shop', type: 'string', nullable: false },
    { name: 'day', type: 'timestamp', nullable: false },
    { name: 'total', type: 'decimal(34,2)', nullable: true },
    { name: 'count', type: 'bigint', nullable: false },
    { name: 'note', type: 'string', nullable: true },
    { name: 'tags', type: 'array<string>', nullable: true },
  ],
}
const notes = ['plain', 'comma, "quotes"', 'two\nlines', '', null, 'brace } and \\ slash']

interface Sale {
  readonly shop: string
  readonly day: string
  readonly json: string
}

/** As Spark writes them: int64 and decimals with all their digits. */
function sale(index: number, batch = 0): Sale {
  const shop = `s${index % 40}`
  const day = new Date(Date.UTC(2026, 0, 1 + Math.floor(index / 40))).toISOString()
  const time = `${day.slice(0, 19)}.000000Z`
  const total =
    index % 9 === 0
      ? 'null'
      : `1234567890123456789012345${String(index).padStart(4, '0')}.5${batch}`
  const note = JSON.stringify(notes[index % notes.length])
  const json = `{"shop":"${shop}","day":"${time}","total":${total},"count":9007199254740${String(index).padStart(4, '0')},"note":${note},"tags":["a,b","}"]}`
  return { shop, day: time, json }
}

describe('answers of results', () => {
  let kafka: Kafka
  let service: Service
  let app: FakeApplication
  const sold = Array.from({ length: rowsInAll }, (_, index) => sale(index))

  before(async () => {
    const redis = connectTestRedis(database)
    await redis.flushdb()
    await redis.quit()
    kafka = await connectTestKafka()
    app = new FakeApplication(kafka, { sales }, 3)
    await app.publish()
    await write(sold, 1)
    await app.position('sales', 10)
    service = await startResults(environment(database))
    await until(
      () => get(service.url, path('')),
      ({ status }) => status === 200,
    )
  })
  after(async () => {
    await service?.stop()
    await app?.close()
    await kafka?.close()
  })

  const path = (rest: string) => `/v1/views/${app.name}/sales${rest}`
  const text = async (rest: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${service.url}${path(rest)}`, { headers })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  async function write(sales: readonly Sale[], batch: number): Promise<void> {
    await app.append(
      'sales',
      sales.map(({ shop, day, json }) => ({ key: [shop, day], batch, row: json })),
    )
  }

  test('rows are the bytes that the changelog had: no number loses a digit', async () => {
    const one = sold[1_234] as Sale
    const { text: body } = await text(`/rows/${one.shop},${one.day}`)
    assert.ok(body.startsWith(`{"row":${one.json},`), body)
    const page = await text(`?shop=${one.shop}&day=${one.day}`)
    assert.ok(page.text.startsWith(`{"rows":[${one.json}],`), page.text)
  })

  test('columns are chosen, in the order of the request, and wide numbers come as texts', async () => {
    const one = sold[77] as Sale
    const row = `/rows/${one.shop},${one.day}`
    const twice = await text(`${row}?columns=shop,shop`)
    assert.match(twice.text, /"row":\{"shop":("[^"]*"),"shop":\1\}/)
    const chosen = await text(`${row}?columns=count,shop`)
    assert.ok(chosen.text.startsWith(`{"row":{"count":90071992547400077,"shop":"${one.shop}"},`))
    const texts = await text(`${row}?columns=total,count,tags&numbers=string`)
    assert.ok(
      texts.text.startsWith(
        '{"row":{"total":"12345678901234567890123450077.50","count":"90071992547400077","tags":["a,b","}"]},',
      ),
      texts.text,
    )
    const unknown = await get(service.url, path('?columns=shop,cuont'))
    assert.equal(unknown.body.error.code, 'unknown_column')
    assert.match(unknown.body.error.message, /Did you mean "count"/)
  })

  test('NDJSON has all rows, in their order, whatever their number, and says what they are in headers', async () => {
    const byTotal = [...sold].sort((a, b) => (totalOf(a) < totalOf(b) ? -1 : 1))
    const all = await text('?order=-total', { accept: 'application/x-ndjson' })
    assert.match(all.headers.get('content-type') ?? '', /^application\/x-ndjson/)
    const lines = all.text.trimEnd().split('\n')
    assert.equal(lines.length, rowsInAll)
    const priced = lines.filter((line) => !line.includes('"total":null'))
    const expected = byTotal.filter((each) => !each.json.includes('"total":null')).reverse()
    assert.deepEqual(
      priced,
      expected.map(({ json }) => json),
    )
    assert.equal(all.headers.get('kappa-release'), '1')
    assert.equal(all.headers.get('kappa-position'), positionToken({ events: { '0': '10' } }))
    const some = await text('?format=ndjson&limit=1500')
    assert.equal(some.text.trimEnd().split('\n').length, 1_500)
  })

  test('CSV is read back by an independent reader: nulls, quotes and lines in texts', async () => {
    const { text: csv, headers } = await text('?columns=shop,day,note,tags,count&order=time', {
      accept: 'text/csv',
    })
    assert.match(headers.get('content-type') ?? '', /^text\/csv/)
    const connection = await (await DuckDBInstance.create()).connect()
    const file = join(mkdtempSync(join(tmpdir(), 'kappa-csv-')), 'sales.csv')
    writeFileSync(file, csv)
    const reader = await connection.runAndReadAll(
      `SELECT shop, note, tags, count FROM read_csv('${file}', header = true, all_varchar = true, allow_quoted_nulls = false) ORDER BY day, shop`,
    )
    rmSync(dirname(file), { recursive: true })
    const rows = reader.getRows()
    assert.equal(rows.length, rowsInAll)
    const byDay = [...sold].sort((a, b) => (a.day + a.shop < b.day + b.shop ? -1 : 1))
    const expected = byDay.map(({ json }) => {
      const { shop, note } = JSON.parse(json)
      return [shop, note, '["a,b","}"]', /"count":(\d+)/.exec(json)?.[1]]
    })
    assert.deepEqual(rows, expected)
  })

  test('a page has a bound, and says how to go on', async () => {
    const { status, body } = await get(service.url, path('?limit=1001'))
    assert.equal(status, 400)
    assert.match(body.error.message, /at most 1000 rows.*next_cursor.*x-ndjson/)
  })

  test('counts are those of the rows, from an index and one by one', async () => {
    const count = async (rest: string) => {
      const { status, body } = await get(service.url, path(`/count${rest}`))
      assert.equal(status, 200, JSON.stringify(body))
      return (body as unknown as { count: number }).count
    }
    const dayOf = (index: number) => (sold[index] as Sale).day
    assert.equal(await count(''), rowsInAll)
    assert.equal(
      await count('?shop=s3&shop=s4'),
      sold.filter(({ shop }) => /^s[34]$/.test(shop)).length,
    )
    assert.equal(
      await count(`?from=${dayOf(400)}&to=${dayOf(800)}`),
      sold.filter(({ day }) => day >= dayOf(400) && day < dayOf(800)).length,
    )
    assert.equal(
      await count(`?shop.prefix=s1&from=${dayOf(400)}&total.gte=0`),
      sold.filter(
        ({ shop, day, json }) =>
          shop.startsWith('s1') && day >= dayOf(400) && !json.includes('"total":null'),
      ).length,
    )
    assert.equal(await count('?shop=none'), 0)
  })

  test('a count that would have to look at too much is refused, and says what to do', async () => {
    const strict = await startResults(
      environment(database, { KAPPA_RESULTS_SCANNED_ENTRIES_MAX: '500' }),
    )
    try {
      const reply = await until(
        () => get(strict.url, path('/count?shop.prefix=s&total.gte=1')),
        ({ status }) => status !== 503,
      )
      assert.equal(reply.body.error.code, 'count_too_large')
      assert.match(reply.body.error.message, /more than 500 entries.*shop, day.*ranked/)
    } finally {
      await strict.stop()
    }
  })

  test('many rows come by their keys, at the places of the keys', async () => {
    const [a, b] = [sold[5] as Sale, sold[2_000] as Sale]
    const post = async (keys: unknown, query = '') => {
      const response = await fetch(`${service.url}${path(`/rows${query}`)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ keys }),
      })
      return { status: response.status, text: await response.text() }
    }
    const keys = [
      [a.shop, a.day],
      ['none', a.day],
      [b.shop, b.day],
      [a.shop, a.day],
    ]
    const found = await post(keys)
    assert.ok(found.text.startsWith(`{"rows":[${a.json},null,${b.json},${a.json}],"meta":{`))
    const chosen = await post(keys.slice(0, 2), '?columns=shop')
    assert.ok(chosen.text.startsWith('{"rows":[{"shop":"s5"},null],'))
    for (const [wrong, message] of [
      [[], /keys/],
      [[['s1']], /The key has 1 values; the key columns are shop, day/],
      [[['s1', 'today']], /day is of type timestamp/],
      [[['s1', {}]], /JSON array of texts/],
      [Array(1_001).fill(['s1', a.day]), /keys/],
    ] as const) {
      const refused = await post(wrong)
      assert.equal(refused.status, 400, refused.text)
      assert.match(refused.text, message)
    }
  })

  test('an answer is not sent again until its rows change', async () => {
    const changed = sale(1_111)
    const others = ['', '?shop=s0&limit=3', '/count?shop=s1'].map((rest) => path(rest))
    const mine = path(`/rows/${changed.shop},${changed.day}`)
    const tags = new Map<string, string>()
    for (const each of [mine, ...others]) {
      const first = await fetch(`${service.url}${each}`)
      await first.text()
      tags.set(each, first.headers.get('etag') ?? '')
      const again = await conditional(each, tags)
      assert.equal(again.status, 304, each)
      assert.equal(await again.text(), '')
      assert.equal(again.headers.get('kappa-release'), '1')
    }
    assert.equal(
      (await fetch(`${service.url}${mine}?columns=shop`, ifNone(tags.get(mine)))).status,
      200,
    )
    // A position that nothing in the rows goes with is no change of them.
    await app.position('sales', 11)
    await until(
      () => conditional(mine, tags),
      ({ status, headers }) =>
        status === 304 &&
        headers.get('kappa-position') === positionToken({ events: { '0': '11' } }),
    )
    await write([sale(1_111, 1)], 2)
    await until(
      () => conditional(mine, tags),
      ({ status }) => status === 200,
    )
    await write([sale(1_111)], 3)
  })

  const ifNone = (etag = '') => ({ headers: { 'if-none-match': `"other", ${etag}` } })
  const conditional = (each: string, tags: ReadonlyMap<string, string>) =>
    fetch(`${service.url}${each}`, ifNone(tags.get(each)))

  test('P6: an answer waits for a position, whoever publishes it, and no longer than it is told', async () => {
    const token = positionToken({ events: { '0': '21' }, unread: { '0': '5' } })
    const first = sold[0] as Sale
    const waiting = get(service.url, path(`/rows/${first.shop},${first.day}?await=${token}`))
    const late = await get(service.url, path(`?limit=1&await=${token}&timeout_ms=200`))
    assert.equal(late.status, 504)
    assert.equal(late.body.error.code, 'await_timeout')
    assert.deepEqual(late.body.error.details, {
      release: 1,
      position: positionToken({ events: { '0': '11' } }),
    })
    await write([{ ...first, json: first.json.replace('"plain"', '"counted"') }], 4)
    await app.position('sales', 21)
    const { status, body } = await waiting
    assert.equal(status, 200)
    assert.equal(body.row.note, 'counted')
    const nothing = await get(
      service.url,
      path(`?await=${positionToken({ unread: { '0': '1' } })}`),
    )
    assert.match(nothing.body.error.message, /position in unread;.* reads events/)
    const wrong = await get(service.url, path('?await=abc'))
    assert.match(wrong.body.error.message, /not a position/)
  })
})

/** Decimals of one width: their order is that of their texts. */
function totalOf({ json }: Sale): string {
  return /"total":([\d.]+|null)/.exec(json)?.[1] ?? ''
}
