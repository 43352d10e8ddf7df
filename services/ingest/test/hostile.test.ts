import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { gzipSync, constants as zlib, zstdCompressSync } from 'node:zlib'
import type { BystanderReport } from './bystander.ts'
import { delay, readLog } from './fixture.ts'
import { type Attack, HostileIngest } from './hostile-ingest.ts'

const mebibyte = 1_048_576
const requestTimeoutMs = 2_000
/** A few times what a body of 16 MiB, its text, its values and the answer to it are. */
const growthMiBMax = 400
/** On machines that are busy with other tests; the longest work at a stretch is about 300 ms. */
const bystanderWaitMsMax = 5_000

let ingest: HostileIngest

before(async () => {
  ingest = await HostileIngest.start({ KAPPA_HTTP_REQUEST_TIMEOUT_MS: String(requestTimeoutMs) })
})
after(() => ingest.process.stop())

/** The text of an event that is right but for the member, which may come a second time. */
const withMember = (member: string) => `${JSON.stringify(delay()).slice(0, -1)},${member}}`
const nested = (levels: number, open: string, close: string) =>
  open.repeat(levels) + close.repeat(levels)
const list = (count: number, item: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => item(n)).join(',')
const lines = { 'content-type': 'application/x-ndjson' }
const unknownFields = (count: number) => `{${list(count, (n) => `"k${n * 7_919}":1`)}}`
const manyUnknown = `{${list(19, (n) => `"delay_minutx${n}":1`)}}`

interface Case extends Attack {
  /** Status and code, or codes that have to be in a body with results. */
  readonly expected: readonly [number, string]
}

const malformed = [400, 'malformed_json'] as const
const tooLarge = [413, 'event_too_large'] as const

const cases: Readonly<Record<string, () => Case>> = {
  'arrays 16 million deep, never closed': () => ({
    body: '['.repeat(16 * mebibyte),
    expected: malformed,
  }),
  'arrays 8 million deep': () => ({ body: nested(8 * mebibyte, '[', ']'), expected: malformed }),
  'objects 2 million deep': () => ({
    body: nested(2 * mebibyte, '{"a":', '}'),
    expected: malformed,
  }),
  'a recursive record a million deep': () => ({
    body: withMember(`"tree":${nested(1_000_000, '{"children":[', ']}')}`),
    expected: malformed,
  }),
  'a recursive record 1,000 deep': () => ({
    body: withMember(`"tree":${nested(1_000, '{"children":[', ']}')}`),
    expected: [422, 'too_deep'],
  }),
  'a text of 10 MB': () => ({
    body: withMember(`"note":"${'x'.repeat(10e6)}"`),
    expected: tooLarge,
  }),
  'a text of 10 MB of escapes': () => ({
    body: withMember(`"note":"${'\\u0041'.repeat(1_700_000)}"`),
    expected: tooLarge,
  }),
  'a name of 10 MB': () => ({
    body: withMember(`"${'y'.repeat(10e6)}":1`),
    expected: [422, 'unknown_field'],
  }),
  'a number of 10 million digits': () => ({
    body: withMember(`"delay_minutes":${'9'.repeat(10e6)}`),
    expected: [422, 'out_of_range'],
  }),
  'a time of 10 million digits': () => ({
    body: withMember(`"departed_at":"${'9'.repeat(10e6)}"`),
    expected: [422, 'bad_timestamp'],
  }),
  '8 million numbers': () => ({
    body: `[${'0,'.repeat(8 * mebibyte - 2)}0]`,
    expected: [413, 'batch_too_large'],
  }),
  'a million tiny events': () => ({
    body: `[${'{},'.repeat(999_999)}{}]`,
    expected: [413, 'batch_too_large'],
  }),
  'a million tiny lines': () => ({
    body: '{}\n'.repeat(1_000_000),
    headers: lines,
    expected: [413, 'batch_too_large'],
  }),
  '16 million blank lines': () => ({
    body: '\n'.repeat(16 * mebibyte),
    headers: lines,
    expected: [400, 'no_events'],
  }),
  '10,000 events with 20 problems each': () => ({
    body: `[${list(10_000, () => manyUnknown)}]`,
    expected: [422, 'all_events_rejected'],
  }),
  'an array of 3 million texts': () => ({
    body: withMember(`"tags":[${'"",'.repeat(3e6)}""]`),
    expected: tooLarge,
  }),
  'an array of 2 million nulls, no bytes in Avro': () => ({
    body: withMember(`"nothings":[${'null,'.repeat(2e6)}null]`),
    expected: tooLarge,
  }),
  'an array of 200,000 nulls': () => ({
    body: withMember(`"nothings":[${'null,'.repeat(2e5)}null]`),
    expected: [422, 'too_many_items'],
  }),
  'a map of 800,000 keys': () => ({
    body: withMember(`"counts":${unknownFields(8e5)}`),
    expected: tooLarge,
  }),
  '800,000 unknown fields': () => ({ body: unknownFields(8e5), expected: tooLarge }),
  'invalid UTF-8': () => ({
    body: Buffer.concat([Buffer.from('{"note":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    expected: malformed,
  }),
  'overlong UTF-8': () => ({ body: Buffer.from([0x22, 0xc0, 0x80, 0x22]), expected: malformed }),
  'UTF-16': () => ({ body: Buffer.from('{"note":"x"}', 'utf16le'), expected: malformed }),
  'half of a surrogate pair': () => ({
    body: withMember('"note":"\\ud800"'),
    expected: [422, 'bad_string'],
  }),
  'the key __proto__': () => ({
    body: withMember('"__proto__":{"delay_minutes":1}'),
    expected: [422, 'unknown_field'],
  }),
  'the keys constructor and toString': () => ({
    body: withMember('"constructor":{"prototype":{"delay_minutes":1}},"toString":1'),
    expected: [422, 'unknown_field'],
  }),
  'the topic __proto__': () => ({
    body: '[]',
    path: '/v1/topics/__proto__/events',
    expected: [404, 'unknown_topic'],
  }),
  'a gzip bomb of 300 MB': () => ({
    body: gzipSync(Buffer.alloc(3e8, ' '), { level: 1 }),
    headers: { 'content-encoding': 'gzip' },
    expected: [413, 'body_too_large'],
  }),
  'a zstd bomb of 300 MB': () => ({
    body: zstdCompressSync(Buffer.alloc(3e8, ' ')),
    headers: { 'content-encoding': 'zstd' },
    expected: [413, 'body_too_large'],
  }),
  'zstd that asks for a window of 128 MiB': () => ({
    body: zstdCompressSync(Buffer.alloc(130 * mebibyte, ' '), {
      params: { [zlib.ZSTD_c_windowLog]: 27 },
    }),
    headers: { 'content-encoding': 'zstd' },
    expected: [400, 'malformed_encoding'],
  }),
  'not gzip': () => ({
    body: 'hello',
    headers: { 'content-encoding': 'gzip' },
    expected: [400, 'malformed_encoding'],
  }),
  'gzip that breaks off': () => ({
    body: gzipSync('[]').subarray(0, 12),
    headers: { 'content-encoding': 'gzip' },
    expected: [400, 'malformed_encoding'],
  }),
  '10,000 unknown topics': () => ({
    body: `[${list(10_000, (n) => `{"topic":"${ingest.topic}${n}","event":{}}`)}]`,
    path: '/v1/events',
    expected: [422, 'unknown_topic'],
  }),
  'a deep schema for the registry': () => ({
    body: JSON.stringify({ schema: '['.repeat(1e6) }),
    path: `/subjects/${ingest.topic}-value`,
    expected: [422, '42201'],
  }),
  'a deep body for the registry': () => ({
    body: '['.repeat(4e6),
    path: `/subjects/${ingest.topic}-value`,
    expected: [400, '400'],
  }),
  'a deep body for rejected events': () => ({
    body: '['.repeat(20_000),
    path: '/v1/rejected/resubmit',
    expected: malformed,
  }),
}

/** All its requests are taken, and none of them waits for long. */
function assertUnharmed(t: TestContext, report: BystanderReport): void {
  t.diagnostic(`the bystander: ${JSON.stringify(report)}`)
  assert.deepEqual(report.failures, [])
  assert.ok(report.requests > 5, JSON.stringify(report))
  assert.ok(report.p50Ms < 500 && report.slowestMs < bystanderWaitMsMax, JSON.stringify(report))
}

function assertBounded(t: TestContext, startMiB: number): void {
  const { now, peak } = ingest.memory()
  t.diagnostic(`resident: ${startMiB} MiB before, ${now} MiB after, ${peak} MiB at its highest`)
  assert.ok(peak - startMiB < growthMiBMax, `from ${startMiB} to ${peak} MiB`)
}

test('hostile bodies are a clear 4xx each; memory stays bounded, another client is unharmed', async (t) => {
  await ingest.attack({ body: '{}' })
  const start = ingest.memory().now
  // Made before, so that only the service works while the other client is measured.
  const attacks = Object.entries(cases).map(([name, make]) => [name, make()] as const)
  const report = await ingest.beside(async () => {
    for (const [name, { expected, ...attack }] of attacks) {
      await t.test(name, async () => {
        const [status, code] = expected
        const answer = await ingest.attack(attack)
        assert.equal(answer.status, status, answer.text.slice(0, 500))
        assert.match(answer.text, new RegExp(`"(code|error_code)":"?${code}"?[,}]`))
        assert.match(answer.text, /"message":"[^"]{20,}/)
      })
    }
  })
  assertUnharmed(t, report)
  assertBounded(t, start)
})

test('a streamed body of 500,000 tiny events has a result for each, in flat memory', async (t) => {
  const count = 500_000
  const start = ingest.memory().now
  const report = await ingest.beside(async () => {
    const { status, text } = await ingest.attack({
      body: '{}\n'.repeat(count),
      path: `${ingest.eventsPath}?rejected=discard`,
      headers: { ...lines, accept: 'application/x-ndjson' },
    })
    // Its head was sent before the last events had come.
    assert.equal(status, 207)
    const results = text.trimEnd().split('\n')
    assert.equal(results.length, count + 1)
    assert.equal(JSON.parse(results.at(-1) ?? '').summary.rejected, count)
  })
  assertUnharmed(t, report)
  assertBounded(t, start)
})

const host = 'host: ingest\r\n'
const jsonHead = (path: string, more: string) =>
  `POST ${path} HTTP/1.1\r\n${host}content-type: application/json\r\nconnection: close\r\n${more}\r\n`

test('heads and bodies that come a byte at a time are cut off, whatever their route', async (t) => {
  const paths = [
    ingest.eventsPath,
    '/v1/events',
    `/subjects/${ingest.topic}-value`,
    '/v1/rejected/dismiss',
  ]
  const slow = [
    { head: `POST ${ingest.eventsPath} HTTP/1.1\r\n${host}x-slow: `, drip: 'x' },
    { head: 'P', drip: 'O' },
    ...paths.map((path) => ({ head: jsonHead(path, 'content-length: 100000\r\n'), drip: ' ' })),
    { head: jsonHead(ingest.eventsPath, 'transfer-encoding: chunked\r\n'), drip: '1\r\n \r\n' },
  ]
  const started = performance.now()
  const report = await ingest.beside(async () => {
    const answers = await Promise.all(
      slow.flatMap((each) =>
        Array.from({ length: 40 }, async () => ({
          drip: each.drip,
          answer: await ingest.raw(each.head, each.drip),
        })),
      ),
    )
    for (const { drip, answer } of answers) {
      // Not a request yet: 'PO…' is refused as soon as it cannot become one.
      assert.match(answer, drip === 'O' ? /^HTTP\/1\.1 40[08] / : /^HTTP\/1\.1 408 /)
    }
  })
  const seconds = (performance.now() - started) / 1_000
  assert.ok(seconds < 20, `${seconds} s`)
  assertUnharmed(t, report)
})

test('a length that is wrong is a 400, or ends with the connection; nothing of it is written', async () => {
  const event = JSON.stringify(delay())
  const post = (more: string, body: string) => jsonHead(ingest.eventsPath, more) + body
  const refused = [
    post('content-length: -1\r\n', event),
    post('content-length: many\r\n', event),
    post(`content-length: ${event.length}\r\ncontent-length: 1\r\n`, event),
    post(`content-length: ${event.length}\r\ntransfer-encoding: chunked\r\n`, event),
    post('transfer-encoding: chunked\r\n', `ZZ\r\n${event}\r\n0\r\n\r\n`),
    post('transfer-encoding: chunked\r\n', 'FFFFFFFFFFFFFFFFFF\r\n'),
    post(`content-length: 10\r\n`, event),
  ]
  for (const request of refused) {
    assert.match(await ingest.raw(request), /^HTTP\/1\.1 400 /, request)
  }
  // What stands behind the body is taken for the next request, and is none.
  const open = post('content-length: 2\r\n', `[]${event}`).replace('connection: close\r\n', '')
  assert.match(await ingest.raw(open), /^HTTP\/1\.1 400 /)
  const cut = await ingest.raw(post(`content-length: ${event.length + 1}\r\n`, event))
  assert.match(cut, /^HTTP\/1\.1 408 /)
  assert.equal((await readLog(ingest.topic)).length, 0)
})
