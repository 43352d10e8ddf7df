import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { carrierHours, FakeResults, meta } from './fake-results.ts'
import { type CallOptions, callKappa, type Finished } from './run-kappa.ts'

let fake: FakeResults
before(async () => {
  fake = await FakeResults.start()
})
afterEach(() => fake.reset())
after(() => fake.stop())

const kappa = (args: readonly string[], options: CallOptions = {}): Promise<Finished> =>
  callKappa(args, { KAPPA_RESULTS_URL: fake.url }, options)
const query = (...args: string[]) => kappa(['query', 'flights/carrier_hours', ...args])

const path = '/v1/views/flights/carrier_hours'
const remark = `${'long '.repeat(9)}\u001b[31mtext`
const rows = [
  {
    carrier: 'UA',
    hour: '2013-01-01T05:00:00.000000Z',
    flights: '9223372036854775807',
    mean_delay: -1.5,
    remark: null,
  },
  { carrier: 'DL', hour: '2013-01-01T05:30:00.250000Z', flights: '7', mean_delay: null, remark },
]
const origin = 'of release 1, as of 2013-01-31 12:00:00, 1.2 s old'

test('views: what is live, how many rows, how fresh', async () => {
  const rebuilding = { ...carrierHours, view: 'routes', rows: 0, state: 'rebuilding', meta: null }
  fake.ok('GET /v1/views', { views: [carrierHours, rebuilding] })
  const { code, stdout, stderr } = await kappa(['views'])
  assert.deepEqual(
    [code, stderr, stdout],
    [
      0,
      '',
      `application  view           release    rows  state       freshness
flights      carrier_hours        1  12,345  ready           1.2 s
flights      routes               1       0  rebuilding
`,
    ],
  )
  const json = await kappa(['views', '--json'])
  assert.deepEqual(JSON.parse(json.stdout), [carrierHours, rebuilding])
})

test('query: a table for people, with all digits; texts are cut on a terminal alone', async () => {
  fake.ok('GET /v1/views', { views: [carrierHours] })
  const call = `GET ${path}?carrier=UA&carrier=D%3DL&hour.gte=2013-01-01&from=2013&order=-time&limit=2&numbers=string`
  fake.ok(call, { rows, next_cursor: 'c1', meta: { ...meta, complete: false } })
  const args = [
    ...['query', 'flights/carrier_hours', 'carrier=UA', 'carrier=D=L', 'hour.gte=2013-01-01'],
    ...['from=2013', '--order', '-time', '--limit', '2'],
  ]
  const { code, stdout, stderr } = await kappa(args)
  const long = `${'long '.repeat(9)}\\u{1b}[31mtext`
  assert.deepEqual(
    [code, stdout, stderr],
    [
      0,
      `carrier  hour                                     flights  mean_delay  remark
UA       2013-01-01T05:00:00Z         9223372036854775807        -1.5
DL       2013-01-01T05:30:00.250000Z                    7              ${long}
`,
      `2 rows ${origin}; the release dropped events that it should have counted: replay it; there are more\n`,
    ],
  )
  const terminal = await kappa(args, { columns: 80 })
  assert.match(terminal.stdout, / 7 {14}(long ){7}long…\n$/)
})

test('query: chosen columns, no rows, a view that is not listed, one row of a key', async () => {
  fake.ok('GET /v1/views', { views: [carrierHours] })
  fake.ok(`GET ${path}?limit=20&columns=flights%2Ccarrier&numbers=string`, { rows, meta })
  const { stdout } = await query('--columns', 'flights, carrier')
  assert.equal(
    stdout,
    `            flights  carrier
9223372036854775807  UA
                  7  DL
`,
  )
  fake.ok(`GET ${path}?limit=20&numbers=string`, { rows: [], meta })
  assert.deepEqual(await query(), {
    code: 0,
    stdout: 'carrier  hour  flights  mean_delay  remark\n',
    stderr: `0 rows ${origin}\n`,
  })
  fake.ok('GET /v1/views', { views: [] })
  fake.ok(`GET ${path}?limit=20&numbers=string`, { rows: [{ b: 'x', a: 1 }], meta })
  assert.equal((await query()).stdout, 'b  a\nx  1\n')

  fake.ok(`GET ${path}/rows/UA%2C2013-01-01?numbers=string&await=p1&timeout_ms=5`, {
    row: { carrier: 'UA' },
    meta,
  })
  const args = ['--key', 'UA,2013-01-01', '--await', 'p1', '--timeout-ms', '5']
  assert.deepEqual(await query(...args), {
    code: 0,
    stdout: 'carrier\nUA\n',
    stderr: `1 row ${origin}\n`,
  })
})

test('query: JSON, NDJSON and CSV are what the service answers, to the last digit', async () => {
  const json = `{"rows":[{"flights":9223372036854775807}],"meta":${JSON.stringify(meta)}}`
  fake.ok(`GET ${path}?limit=20&format=json`, json)
  assert.deepEqual(await query('--json'), { code: 0, stdout: `${json}\n`, stderr: '' })
  const headers = {
    'kappa-release': '1',
    'kappa-as-of': meta.as_of ?? '',
    'kappa-freshness-ms': '1234',
  }
  fake.ok(`GET ${path}?format=ndjson`, '{"flights":9223372036854775807}\n', headers)
  assert.deepEqual(await query('--all'), {
    code: 0,
    stdout: '{"flights":9223372036854775807}\n',
    stderr: `rows ${origin}\n`,
  })
  fake.ok(`GET ${path}?carrier=UA&format=csv`, 'flights,remark\r\n7,"a ""b"""\r\n', headers)
  const csv = await query('carrier=UA', '--all', '--format', 'csv')
  assert.equal(csv.stdout, 'flights,remark\r\n7,"a ""b"""\r\n')
  fake.ok(`GET ${path}?limit=5000&format=csv`, 'flights\r\n', headers)
  assert.equal((await query('--limit', '5000', '--format', 'csv')).code, 0)
  fake.ok(`GET ${path}/rows/%5B%22UA%22%5D`, '{"row":{"flights":9223372036854775807}}')
  const one = await query('--key', '["UA"]', '--format', 'json')
  assert.equal(one.stdout, '{"row":{"flights":9223372036854775807}}\n')

  const cut = { status: 200, body: '{}\n', headers, isCut: true } as const
  fake.answers.set(`GET ${path}?format=ndjson`, cut)
  const broken = await query('--all')
  assert.deepEqual([broken.code, broken.stdout], [3, '{}\n'])
  assert.match(broken.stderr, /not all: .*\n.*Ask again\.\n$/)
})

test('query --count: the number alone, or the answer', async () => {
  fake.ok(`GET ${path}/count?carrier=UA`, { count: 12_345, meta })
  const counted = await query('carrier=UA', '--count')
  assert.deepEqual(counted, { code: 0, stdout: '12345\n', stderr: `rows ${origin}\n` })
  const json = await query('carrier=UA', '--count', '--json')
  assert.deepEqual(JSON.parse(json.stdout), { count: 12_345, meta })
})

test('exit codes: 1 for no such row and a switch, 2 for a wrong call, 3 for no service', async () => {
  fake.ok('GET /v1/views', { views: [carrierHours] })
  fake.refuse(`GET ${path}/rows/XX?numbers=string`, 404, 'unknown_key')
  fake.refuse(`GET ${path}/rows/XX`, 404, 'unknown_key')
  for (const format of ['table', 'json']) {
    const { code, stdout, stderr } = await query('--key', 'XX', '--format', format)
    assert.deepEqual(
      [code, stdout, stderr],
      [1, '', 'kappa query: no row has the key XX\n'],
      `${format}: ${stderr}`,
    )
  }
  for (const [status, name, expected] of [
    [400, 'unknown_column', 2],
    [404, 'unknown_view', 2],
    [409, 'count_too_large', 1],
    [503, 'rebuilding', 3],
    [504, 'await_timeout', 3],
  ] as const) {
    fake.refuse(`GET ${path}/count`, status, name)
    const { code, stderr } = await query('--count')
    assert.deepEqual([code, stderr.includes(`(${name})`)], [expected, true], stderr)
  }
  const asked = fake.calls.length
  const wrong = [
    ['query', 'carrier_hours'],
    ['query', 'flights/carrier_hours/x'],
    ['tail', '/carrier_hours'],
    ['query', 'flights/carrier_hours', 'UA'],
    ['query', 'flights/carrier_hours', '=UA'],
    ['query', 'flights/carrier_hours', 'limit=3'],
    ['query', 'flights/carrier_hours', '--all', '--format', 'table'],
    ['query', 'flights/carrier_hours', '--all', '--json'],
    ['query', 'flights/carrier_hours', '--all', '--limit', '3'],
    ['query', 'flights/carrier_hours', '--limit', '1001'],
    ['query', 'flights/carrier_hours', '--json', '--format', 'csv'],
    ['query', 'flights/carrier_hours', '--key', 'UA', 'carrier=UA'],
    ['query', 'flights/carrier_hours', '--key', 'UA', '--count'],
    ['query', 'flights/carrier_hours', '--count', '--format', 'csv'],
    ['query', 'flights/carrier_hours', '--order', '--json'],
    ['query', 'flights/carrier_hours', '--timeout-ms', '60001'],
  ]
  for (const args of wrong) {
    const { code, stdout, stderr } = await kappa(args)
    assert.deepEqual([code, stdout], [2, ''], `${args.join(' ')}: ${stderr}`)
  }
  assert.equal(fake.calls.length, asked)
  for (const args of [['views'], ['query', 'a/b', '--count'], ['query', 'a/b'], ['tail', 'a/b']]) {
    const { code, stderr } = await callKappa(args, { KAPPA_RESULTS_URL: 'http://127.0.0.1:9' })
    assert.deepEqual([code, /Is results running/.test(stderr)], [3, true], stderr)
  }
})

test('a reader of the output that goes away, as head does, ends the command quietly', async () => {
  fake.ok(`GET ${path}?format=ndjson`, '{"carrier":"UA"}\n'.repeat(1_000_000))
  const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')
  const args = [main, 'query', 'flights/carrier_hours', '--all', '--url', fake.url]
  const child = spawn(process.execPath, args)
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const [code] = await once(child, 'close')
  assert.deepEqual([code, stderr], [141, ''])
})
