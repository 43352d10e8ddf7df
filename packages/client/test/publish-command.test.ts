import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { decode, delay, readLog, TestIngest } from '@kappa/ingest/test/fixture'
import { until } from '@kappa/test/until'
import { callKappa, runKappa, scratchFolder } from './run-kappa.ts'

const folder = scratchFolder()
const labels = [
  'ndjson',
  'json',
  'csv',
  'gzip',
  'zstd',
  'stdin',
  'bad',
  'csvbad',
  'other',
  'resume',
]
let ingest: TestIngest
let unnamed: TestIngest
before(async () => {
  ingest = await TestIngest.start([...labels, 'history', 'closed'])
  unnamed = await TestIngest.start(['unnamed'], { topicFile: { id: undefined } })
})
after(async () => {
  await ingest?.stop()
  await unnamed?.stop()
})

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

const publish = (label: string, ...args: string[]) =>
  callKappa(['publish', ingest.topic(label), ...args, '--url', ingest.url])

async function logged(label: string): Promise<string[]> {
  const records = await readLog(ingest.topic(label))
  return records.map((record) => decode(record).event_id).sort()
}

const ids = (events: readonly { readonly event_id: string }[]) =>
  events.map(({ event_id }) => event_id).sort()
const lines = (events: readonly object[]) =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('')
const events = Array.from({ length: 2_500 }, () => delay())

test('NDJSON, plain, gzip and zstd: every event is in the log, exit code 0', async () => {
  const text = lines(events)
  const files = {
    ndjson: await file('events.ndjson', text),
    gzip: await file('events.ndjson.gz', gzipSync(text)),
    // Told by what it holds, not by its name.
    zstd: await file('events.dat', zstdCompressSync(text)),
  }
  for (const [label, path] of Object.entries(files)) {
    const { code, stdout, stderr } = await publish(label, path)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /: 2,500 accepted, 0 rejected in \d+\.\d s \([\d,]+ events\/s\)\n$/)
    assert.deepEqual(await logged(label), ids(events), label)
  }
})

test('JSON, pretty-printed, and NDJSON from standard input', async () => {
  const path = await file('events.json', JSON.stringify(events, undefined, 2))
  assert.equal((await publish('json', path)).code, 0)
  assert.deepEqual(await logged('json'), ids(events))

  const args = ['publish', ingest.topic('stdin'), '-']
  const piped = await runKappa(args, {
    stdin: lines(events),
    env: { KAPPA_INGEST_URL: ingest.url },
  })
  assert.equal(piped.code, 0, piped.stderr)
  assert.deepEqual(await logged('stdin'), ids(events))
})

test('CSV: columns become the types of the contract; an empty cell is null or the default', async () => {
  const at = new Date(Date.now() - 60_000).toISOString()
  const path = await file(
    'delays.csv',
    `\ufeffdelay_minutes,event_id,departed_at,tail_number,note\r\n7,a,${at},N1,"said ""late"", twice\nover"\r\n-3,b,${Date.parse(at)},,\r\n`,
  )
  const { code, stderr } = await publish('csv', path)
  assert.equal(code, 0, stderr)
  const records = (await readLog(ingest.topic('csv'))).map(decode)
  const departed_at = Date.parse(at)
  const byId = records
    .sort((a, b) => a.event_id.localeCompare(b.event_id))
    .map((each) => ({ ...each }))
  assert.deepEqual(byId, [
    {
      event_id: 'a',
      tail_number: 'N1',
      delay_minutes: 7,
      note: 'said "late", twice\nover',
      departed_at,
    },
    { event_id: 'b', tail_number: null, delay_minutes: -3, note: '', departed_at },
  ])
})

test('rejected events: exit code 1, and a file with line, reasons and the event as it was', async () => {
  const wrong = '{"event_id":"x", "delay_minutes":9007199254740993, "departed_at":0}'
  const text = [
    JSON.stringify(delay({ event_id: 'good' })),
    '',
    wrong,
    'not json',
    '{"event_id":"y"}',
  ]
  const path = await file('some.ndjson', `${text.join('\n')}\n`)
  const { code, stdout, stderr } = await publish('bad', path)
  assert.equal(code, 1)
  assert.match(stdout, /: 1 accepted, 3 rejected/)
  assert.match(
    stderr,
    new RegExp(`reasons: ${path}.rejected.ndjson\nThe first: line 3: .*out_of_range`),
  )
  const rejected = (await readFile(`${path}.rejected.ndjson`, 'utf8')).trimEnd().split('\n')
  const [first = '', second = '', third = ''] = rejected
  assert.ok(first.endsWith(`"event":${wrong}}`), first)
  const { line, error } = JSON.parse(first)
  assert.deepEqual([line, error.code, error.path], [3, 'out_of_range', '$.delay_minutes'])
  const { raw, ...other } = JSON.parse(second)
  assert.deepEqual([other.line, other.error.code, raw], [4, 'malformed_json', 'not json'])
  assert.equal(JSON.parse(third).error.others.length > 0, true)
  assert.deepEqual(await logged('bad'), ['good'])
})

test('CSV: wrong cells and rows are told with their lines', async () => {
  const at = new Date().toISOString()
  const rows = [`a,soon,${at}`, `b,1,${at}`, `c,1`, `d,1,yesterday`]
  const path = await file('wrong.csv', `event_id,delay_minutes,departed_at\n${rows.join('\n')}\n`)
  const { code } = await publish('csvbad', path, '--rejected', join(folder, 'reasons.ndjson'))
  assert.equal(code, 1)
  const told = (await readFile(join(folder, 'reasons.ndjson'), 'utf8')).trimEnd().split('\n')
  const reasons = told.map((line) => JSON.parse(line)).sort((a, b) => a.line - b.line)
  assert.deepEqual(
    reasons.map(({ line, error }) => [line, error.code, error.path]),
    [
      [2, 'wrong_type', '$.delay_minutes'],
      [4, 'malformed_csv', '$'],
      [5, 'bad_timestamp', '$.departed_at'],
    ],
  )
  assert.deepEqual(await logged('csvbad'), ['b'])
})

test('CSV: a header that does not fit is refused before anything is sent', async () => {
  const path = await file(
    'header.csv',
    'event_id,delay_minute,departed_at\na,1,2026-01-01T00:00:00Z\n',
  )
  const { code, stderr } = await publish('other', path)
  assert.equal(code, 2)
  assert.match(
    stderr,
    /column "delay_minute" is no field of the contract \(did you mean "delay_minutes"\?\); column "delay_minutes" is missing/,
  )
})

test('events of a contract without an id field get ids, and are taken or rejected as others', async () => {
  const topic = unnamed.topic('unnamed')
  const text = `${lines([delay(), delay()])}{"event_id":1}\n{oops\n`
  const path = await file('unnamed.ndjson', text)
  const { code, stderr } = await callKappa(['publish', topic, path, '--url', unnamed.url])
  assert.equal(code, 1, stderr)
  const kappaIds = (await readLog(topic)).map(({ headers }) => String(headers['kappa-id']))
  assert.equal(new Set(kappaIds).size, 2)
  for (const id of kappaIds) assert.match(id, /^urn:kappa:client [0-9a-f-]{36}$/)
  const rejected = (await readFile(`${path}.rejected.ndjson`, 'utf8')).trimEnd().split('\n')
  assert.deepEqual(rejected.map((line) => JSON.parse(line).line).sort(), [3, 4])
})

test('an import stays in order whatever the batches are, and says so when it is closed', async () => {
  const start = Date.parse('2013-01-01T00:00:00Z')
  const history = Array.from({ length: 1_000 }, (_, n) =>
    delay({ departed_at: start + n * 60_000 }),
  )
  const path = await file('history.ndjson', lines(history))
  const imported = await publish('history', path, '--mode', 'import', '--batch', '7')
  assert.equal(imported.code, 0, imported.stderr)
  assert.deepEqual(await logged('history'), ids(history))

  await ingest.publish('closed', delay())
  const closed = await publish('closed', path, '--mode', 'import', '--batch', '7', '--json')
  assert.equal(closed.code, 3)
  const { accepted, stopped } = JSON.parse(closed.stdout)
  assert.deepEqual([accepted, stopped.code, stopped.line], [0, 'import_closed', 1])
})

test('usage: exit code 2 with what was wrong', async () => {
  const topic = ingest.topic('other')
  const path = await file('one.ndjson', lines([delay()]))
  const cases: [string[], RegExp][] = [
    [['publish'], /an argument is missing: kappa publish <topic> \[file\|-\]/],
    [['publish', topic, path, '--bach', '7'], /unknown option --bach \(did you mean "--batch"\?\)/],
    [
      ['publish', topic, path, '--batch', '0'],
      /--batch is a whole number from 1 to 100000, got "0"/,
    ],
    [['publish', topic, path, '--batch'], /--batch needs a value: <events>/],
    [['publish', topic, path, '--disorder', '1 hour'], /--disorder goes with --mode import/],
    [['publish', topic, path, '--mode', 'history'], /--mode is live or import, got "history"/],
    [['publish', topic, path, '--timeout', '5'], /--timeout: expected a duration/],
    [['publish', topic, path, '--url', 'ingest'], /"ingest" is not the URL of ingest/],
    [['publish', topic, join(folder, 'none')], /none cannot be read: ENOENT/],
    [['publish', topic, folder], /is a folder; name a file or -/],
    [['publish', topic, path, '--version', '9'], /has no version 9; it has 1/],
    [['publish', topic.slice(0, -1), path], new RegExp(`did you mean "${topic}"`)],
    [['pubish', topic], /unknown command "pubish" \(did you mean "publish"\?\)/],
  ]
  for (const [args, message] of cases) {
    const { code, stderr } = await callKappa(args, { KAPPA_INGEST_URL: ingest.url })
    assert.deepEqual([code, message.test(stderr)], [2, true], `${args.join(' ')}: ${stderr}`)
  }
})

test('an ingest that is not there: exit code 3, and what to do', async () => {
  const path = await file('one.ndjson', lines([delay()]))
  const { code, stderr } = await runKappa(['publish', 't', path, '--url', 'http://127.0.0.1:1'])
  assert.equal(code, 3)
  assert.match(
    stderr,
    /127\.0\.0\.1:1 cannot be reached: connect ECONNREFUSED.*\nIs ingest running/,
  )
})

test('Ctrl-C settles what was read and says where to go on, with nothing lost or left out', async () => {
  const many = Array.from({ length: 20_000 }, () => delay())
  const path = await file('many.ndjson', lines(many))
  const args = [
    'publish',
    ingest.topic('resume'),
    '-',
    '--url',
    ingest.url,
    '--json',
    '--batch',
    '10',
  ]
  async function* slow() {
    for (let at = 0; at < many.length; at += 500) {
      yield lines(many.slice(at, at + 500))
      await new Promise(setImmediate)
    }
  }
  const interrupted = await runKappa(args, {
    stdin: slow(),
    onStart: (child) => {
      const accepted = () =>
        ingest.metric('kappa_ingest_events_accepted_total', { topic: ingest.topic('resume') })
      void until(accepted, (events) => events >= 100).then(() => child.kill('SIGINT'))
    },
  })
  assert.equal(interrupted.code, 130, interrupted.stderr)
  const { accepted, failed, stopped } = JSON.parse(interrupted.stdout)
  assert.ok(accepted < many.length, 'it was interrupted')
  assert.deepEqual([failed, stopped.line], [0, accepted + 1])
  assert.deepEqual(await logged('resume'), ids(many.slice(0, accepted)))
  const rest = await publish('resume', path, '--from-line', String(stopped.line))
  assert.equal(rest.code, 0)
  assert.deepEqual(await logged('resume'), ids(many))
})
