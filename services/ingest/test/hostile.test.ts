import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { gzipSync, constants as zlib, zstdCompressSync } from 'node:zlib'
import { ServiceProcess } from '@kappa/test/platform/service-process'
import { testStack } from '@kappa/test/stack'
import { delay, delaySchema, schemasFolder, testEnvironment } from './fixture.ts'

const mebibyte = 1_048_576
const topic = `hostile-${randomUUID()}`
const bystanderTopic = `bystander-${randomUUID()}`
const requestTimeoutMs = 2_000

const tree = {
  type: 'record',
  name: 'Tree',
  fields: [{ name: 'children', type: { type: 'array', items: 'Tree' }, default: [] }],
}
const schema = {
  ...delaySchema,
  fields: [
    ...delaySchema.fields,
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    { name: 'nothings', type: { type: 'array', items: 'null' }, default: [] },
    { name: 'counts', type: { type: 'map', values: 'int' }, default: {} },
    { name: 'tree', type: ['null', tree], default: null },
  ],
}
const topicFile = { key: 'tail_number', id: 'event_id', event_time: 'departed_at', partitions: 2 }

let ingest: ServiceProcess

before(async () => {
  const folder = await schemasFolder({
    [`${topic}/topic.yaml`]: JSON.stringify(topicFile),
    [`${topic}/1.avsc`]: JSON.stringify(schema),
    [`${bystanderTopic}/topic.yaml`]: JSON.stringify(topicFile),
    [`${bystanderTopic}/1.avsc`]: JSON.stringify(delaySchema),
  })
  const environment = testEnvironment(folder, {
    KAPPA_LOG_LEVEL: 'info',
    KAPPA_HTTP_REQUEST_TIMEOUT_MS: String(requestTimeoutMs),
  })
  const log = join(testStack().stateFolder, `${topic}.log`)
  ingest = await ServiceProcess.start('ingest', environment, log)
})
after(() => ingest.stop())

/** Of the service's process: resident now, and at its highest since it started. */
function memoryMiB(): { now: number; peak: number } {
  const status = readFileSync(`/proc/${ingest.pid}/status`, 'utf8')
  const read = (name: string) =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024)
  return { now: read('VmRSS'), peak: read('VmHWM') }
}

interface Answer {
  readonly status: number
  readonly body: { error?: { code: string; message: string }; results?: { error?: { code: string } }[] }
}

async function post(
  body: string | Buffer,
  options: { headers?: Record<string, string>; to?: string; path?: string } = {},
): Promise<Answer> {
  const path = options.path ?? `/v1/topics/${options.to ?? topic}/events`
  const response = await fetch(`${ingest.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...options.headers },
    body: body as BodyInit,
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

const event = (changes: object) => ({ ...delay(), ...changes })
const withRaw = (member: string) => `${JSON.stringify(delay()).slice(0, -1)},${member}}`
const nested = (n: number, open: string, close: string, core = '') =>
  open.repeat(n) + core + close.repeat(n)

const attacks: Record<string, () => Promise<unknown>> = {
  'deep unclosed': () => post('['.repeat(16 * mebibyte)),
  'deep closed': () => post(nested(8 * mebibyte, '[', ']')),
  'deep objects': () => post(nested(2 * mebibyte, '{"a":', '}', '1')),
  'deep in field': () => post(withRaw(`"tree":${nested(1_000_000, '{"children":[', ']}')}`)),
  'deep as string field': () => post(withRaw(`"note":${nested(4_000_000, '[', ']')}`)),
  '10MB string': () => post(JSON.stringify(event({ note: 'x'.repeat(10_000_000) }))),
  '10MB escaped string': () => post(withRaw(`"note":"${'\\u0041'.repeat(2_500_000)}"`)),
  '10MB name': () => post(withRaw(`"${'y'.repeat(10_000_000)}":1`)),
  '10MB enum-like key': () => post(JSON.stringify(event({ tail_number: 'x'.repeat(10_000_000) }))),
  'long number': () => post(withRaw(`"delay_minutes":${'9'.repeat(10_000_000)}`)),
  'long number in time': () => post(withRaw(`"departed_at":${'9'.repeat(10_000_000)}`)),
  'long text time': () => post(withRaw(`"departed_at":"${'9'.repeat(10_000_000)}"`)),
  'exponent': () => post(withRaw(`"delay_minutes":1e${'9'.repeat(1_000_000)}`)),
  'array 8M numbers': () => post(`[${'0,'.repeat(8 * mebibyte - 2)}0]`),
  'million tiny': () => post(`[${'{},'.repeat(999_999)}{}]`),
  '10k tiny': () => post(`[${'{},'.repeat(9_999)}{}]`),
  '10k x 20 problems': () =>
    post(`[${Array.from({ length: 10_000 }, () => `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1}`).join(',')}]`),
  'million tiny lines': () => post('{}\n'.repeat(1_000_000), { headers: { 'content-type': 'application/x-ndjson' } }),
  '16M blank lines': () => post('\n'.repeat(16 * mebibyte), { headers: { 'content-type': 'application/x-ndjson' } }),
  'array bomb': () => post(withRaw(`"tags":[${'"",'.repeat(3_000_000)}""]`)),
  'null bomb': () => post(withRaw(`"nothings":[${'null,'.repeat(2_500_000)}null]`)),
  'map bomb': () => post(withRaw(`"counts":{${Array.from({ length: 900_000 }, (_, n) => `"k${n}":1`).join(',')}}`)),
  'many unknown': () => post(`{${Array.from({ length: 900_000 }, (_, n) => `"k${n}":1`).join(',')}}`),
  'int keys': () => post(`{${Array.from({ length: 900_000 }, (_, n) => `"${n * 7919}":1`).join(',')}}`),
  'invalid utf8': () => post(Buffer.concat([Buffer.from('{"note":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])),
  'utf16': () => post(Buffer.from('{"note":"x"}', 'utf16le')),
  'overlong utf8': () => post(Buffer.from([0x22, 0xc0, 0x80, 0x22])),
  'lone surrogate': () => post(withRaw('"note":"\\ud800"')),
  '__proto__': () => post(withRaw('"__proto__":{"delay_minutes":1}')),
  'constructor': () => post(withRaw('"constructor":{"prototype":{"x":1}}')),
  'hasOwnProperty': () => post(withRaw('"hasOwnProperty":1,"toString":1')),
  'map proto': () => post(withRaw('"counts":{"__proto__":1,"constructor":2}')),
  'gzip bomb': () => post(gzipSync(Buffer.alloc(1_000 * mebibyte)), { headers: { 'content-encoding': 'gzip' } }),
  'gzip spaces': () => post(gzipSync(Buffer.alloc(1_000 * mebibyte, ' ')), { headers: { 'content-encoding': 'gzip' } }),
  'zstd bomb': () => post(zstdCompressSync(Buffer.alloc(1_000 * mebibyte)), { headers: { 'content-encoding': 'zstd' } }),
  'not gzip': () => post('hello', { headers: { 'content-encoding': 'gzip' } }),
  'gzip twice': () => post('hello', { headers: { 'content-encoding': 'gzip, gzip' } }),
  'cut gzip': () => post(gzipSync('[]').subarray(0, 10), { headers: { 'content-encoding': 'gzip' } }),
  'many proto': () => post('[]', { path: '/v1/topics/__proto__/events' }),
  'many route': () => post(`[${'{"topic":"x","event":{}},'.repeat(400_000)}{}]`, { path: '/v1/events' }),
  'many 10k': () => post(`[${'{"topic":"x","event":{}},'.repeat(9_999)}{}]`, { path: '/v1/events' }),
  'many 10k topics': () => post(`[${Array.from({ length: 9_999 }, (_, n) => `{"topic":"${topic}${n}","event":{}}`).join(',')},{}]`, { path: '/v1/events' }),
  'registry lookup': () => post(JSON.stringify({ schema: '['.repeat(3_000_000) }), { path: `/subjects/${topic}-value` }),
  'registry deep': () => post('['.repeat(4_000_000), { path: `/subjects/${topic}-value` }),
}

test('explore', async () => {
  for (let n = 0; n < 50; n++) await post(JSON.stringify(delay()), { to: bystanderTopic })
  const before = memoryMiB()
  console.log(before)
  for (const [name, attack] of Object.entries(attacks)) {
    let slowest = 0
    let running = true
    const bystander = (async () => {
      while (running) {
        const started = performance.now()
        const { status } = await post(JSON.stringify(delay()), { to: bystanderTopic })
        slowest = Math.max(slowest, performance.now() - started)
        if (status !== 200) console.log('BYSTANDER', status)
      }
    })()
    const started = performance.now()
    const answer = (await attack().catch((error: Error) => ({ failed: String(error.cause ?? error) }))) as Answer
    running = false
    await bystander
    const ms = Math.round(performance.now() - started)
    console.log(
      name.padEnd(22),
      answer.status,
      answer.body?.error?.code ?? JSON.stringify(answer).slice(0, 300),
      answer.body?.error?.message?.slice(0, 150),
      answer.body?.results?.[0]?.error?.code ?? '',
      `${ms} ms, bystander ${Math.round(slowest)} ms, ${JSON.stringify(memoryMiB())}`,
    )
  }
})
