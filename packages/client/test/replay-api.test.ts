import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { ApiError, ConnectionError } from '../src/errors.ts'
import { ReplayClient } from '../src/replay-client.ts'
import type { ReplayStatus } from '../src/replay-status.ts'
import { FakeReplay } from './fake-replay.ts'
import { replayStatus } from './replay-statuses.ts'

let fake: FakeReplay
let client: ReplayClient
before(async () => {
  fake = await FakeReplay.start()
  client = new ReplayClient({ url: fake.url })
})
afterEach(() => fake.reset())
after(async () => {
  client.close()
  await fake.stop()
})

const create = 'POST /v1/replays'
const unavailable = { status: 503, body: { error: { code: 'kafka_unavailable', message: 'away' } } }

test('a replay is asked for with one key, however often the call is made again', async () => {
  fake.answers.set(create, [unavailable, 'reset', { status: 201, body: replayStatus() }])
  const request = { application: 'flights', promote: 'if-equal' } as const
  const { replay, repeated } = await client.replays.create(request)
  assert.deepEqual([replay.id, repeated], ['flights-2', false])
  assert.deepEqual(
    fake.calls.map(({ body }) => body),
    [request, request, request],
  )
  const keys = new Set(fake.calls.map(({ headers }) => headers['idempotency-key']))
  assert.equal(keys.size, 1)
  assert.match([...keys][0]?.toString() ?? '', /^[0-9a-f-]{36}$/)

  fake.ok(create, replayStatus())
  const again = await client.replays.create(request, { idempotencyKey: 'mine' })
  assert.equal(again.repeated, true)
  assert.equal(fake.calls.at(-1)?.headers['idempotency-key'], 'mine')
})

test('a refusal is told with its code and details, and is not asked again', async () => {
  const details = { missing: { 'flights.departures': { 0: '12' } } }
  fake.refuse(create, 409, 'log_incomplete', details)
  await assert.rejects(client.replays.create({ application: 'flights' }), (error) => {
    assert.ok(error instanceof ApiError)
    assert.deepEqual([error.status, error.code, error.details], [409, 'log_incomplete', details])
    return true
  })
  assert.equal(fake.calls.length, 1)
})

test('every call has the path, query and body that the service documents', async () => {
  const { applications, releases, replays } = client
  const calls: [string, () => Promise<unknown>, unknown?][] = [
    ['GET /v1/applications', () => applications.list()],
    ['GET /v1/applications/a%2Fb', () => applications.get('a/b')],
    ['GET /v1/applications/flights/diff', () => applications.diff('flights')],
    ['POST /v1/applications/flights/rollback', () => applications.rollback('flights'), {}],
    [
      'POST /v1/applications/flights/rollback?dry_run=true',
      () => applications.rollback('flights', { to: 3, dryRun: true }),
      { to: 3 },
    ],
    ['GET /v1/releases?application=a+b', () => releases.list({ application: 'a b' })],
    ['GET /v1/releases/flights/2', () => releases.get('flights', 2)],
    ['POST /v1/releases/flights/2/retire', () => releases.retire('flights', 2)],
    ['GET /v1/orphans', () => releases.orphans()],
    ['POST /v1/orphans/remove', () => releases.removeOrphans()],
    ['GET /v1/replays?application=flights', () => replays.list({ application: 'flights' })],
    ['GET /v1/replays/flights-2', () => replays.get('flights-2')],
    [
      'POST /v1/replays?dry_run=true',
      () => replays.dryRun({ application: 'flights' }),
      { application: 'flights' },
    ],
    ['POST /v1/replays/flights-2/pause', () => replays.pause('flights-2')],
    ['POST /v1/replays/flights-2/resume', () => replays.resume('flights-2')],
    ['POST /v1/replays/flights-2/cancel', () => replays.cancel('flights-2')],
    ['POST /v1/replays/flights-2/compare', () => replays.compare('flights-2'), {}],
    [
      'POST /v1/replays/flights-2/compare',
      () => replays.compare('flights-2', { expected: { added_views: ['routes'] } }),
      { expected: { added_views: ['routes'] } },
    ],
    [
      'POST /v1/replays/flights-2/promote',
      () => replays.promote('flights-2', { force: true }),
      { force: true },
    ],
    [
      'POST /v1/replays/flights-2/promote?dry_run=true',
      () => replays.promote('flights-2', { dryRun: true }),
      {},
    ],
  ]
  const body = { applications: [], releases: [], replays: [], orphans: [], removed: [] }
  for (const [call, make, sent] of calls) {
    fake.ok(call, body)
    await make()
    const { method, path, body: got } = fake.calls.at(-1)!
    assert.deepEqual([`${method} ${path}`, got], [call, sent])
  }
})

const get = 'GET /v1/replays/flights-2'
const batches = (n: number, changes: Partial<ReplayStatus> = {}) =>
  replayStatus({ note: `batch ${n}`, ...changes })

/** Notes of the statuses, up to and with this one. */
async function notesUntil(last: string, statuses: AsyncIterable<ReplayStatus>): Promise<string[]> {
  const notes: string[] = []
  for await (const { note } of statuses) {
    notes.push(note ?? '')
    if (note === last) break
  }
  return notes
}

test('a watch goes on when its stream is cut, ends, or is of something else than JSON', async () => {
  fake.stream([batches(1), batches(2)], 'cut')
  fake.ok(get, batches(3), batches(5), batches(7))
  fake.stream([batches(4)], 'close')
  fake.streams.get('flights-2')?.push({
    write: [`event: replay\ndata: ${JSON.stringify(batches(6))}\n\nevent: replay\ndata: {\n\n`],
    end: 'hang',
  })
  fake.stream([batches(8)], 'hang')
  const notes = await notesUntil('batch 8', client.replays.watch('flights-2'))
  assert.deepEqual(
    notes,
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `batch ${n}`),
  )
})

test('a silent stream is opened anew; comments are a sign of life', async () => {
  fake.streams.set('flights-2', [{ write: [': still here\n\n'], end: 'hang' }])
  fake.ok(get, batches(1))
  fake.stream([batches(2)], 'hang')
  const options = { silenceMsMax: 100, pollingMs: 10 }
  const notes = await notesUntil('batch 2', client.replays.watch('flights-2', options))
  assert.deepEqual(notes, ['batch 1', 'batch 2'])
})

test('where streams do not work, the status is asked for, and streams are given up', async () => {
  fake.ok(get, ...[1, 2, 3, 4, 5, 6].map((n) => batches(n)))
  const watch = client.replays.watch('flights-2', { pollingMs: 1 })
  assert.equal((await notesUntil('batch 6', watch)).length, 6)
  const opened = fake.calls.filter(({ path }) => path.endsWith('/events')).length
  assert.equal(opened, 3)
})

test('a watch outlives 503s, and ends with what does not pass', async () => {
  fake.answers.set(get, [unavailable, unavailable, { status: 200, body: batches(1) }])
  const watch = client.replays.watch('flights-2', { pollingMs: 1 })
  assert.deepEqual(await notesUntil('batch 1', watch), ['batch 1'])

  fake.answers.set(get, unavailable)
  const lost = client.replays.watch('flights-2', { lostMsMax: 200 })
  await assert.rejects(notesUntil('never', lost), { code: 'kafka_unavailable' })
  const unknown = client.replays.watch('flights-9')
  await assert.rejects(notesUntil('never', unknown), { status: 404 })

  const nobody = new ReplayClient({ url: 'http://127.0.0.1:9' })
  const away = nobody.replays.watch('flights-2', { lostMsMax: 200 })
  await assert.rejects(notesUntil('never', away), ConnectionError)
  nobody.close()
})

test('a watch that is told to end does, in a stream and between two', async () => {
  for (const end of ['hang', 'close'] as const) {
    fake.reset()
    fake.stream([batches(1)], end)
    fake.ok(get, batches(2))
    const abort = new AbortController()
    const seen: string[] = []
    const watch = client.replays.watch('flights-2', { signal: abort.signal, pollingMs: 60_000 })
    for await (const { note } of watch) {
      seen.push(note ?? '')
      if (seen.length === (end === 'hang' ? 1 : 2)) setImmediate(() => abort.abort())
    }
    assert.deepEqual(seen, end === 'hang' ? ['batch 1'] : ['batch 1', 'batch 2'])
  }
})
