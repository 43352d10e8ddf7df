import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, type Delay, delay, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
const labels = [
  'ordered',
  'disorder',
  'closed',
  'restart',
  'restart-closed',
  'bounds',
  'race',
  'again',
]
before(async () => {
  ingest = await TestIngest.start(labels)
})
after(() => ingest.stop())

const midnight = Date.UTC(2013, 0, 1)
const minute = 60_000
const at = (minutes: number, changes: Partial<Delay> = {}) =>
  delay({ departed_at: midnight + minutes * minute, ...changes })
const history = (disorder?: string) => ({
  query: `?mode=import${disorder ? `&disorder=${encodeURIComponent(disorder)}` : ''}`,
})
const codes = ({ body }: Answer) => body.results.map(({ status, error }) => error?.code ?? status)

test('an imported event carries the highest event time so far and the disorder', async () => {
  const before = Date.now()
  const events = [at(0), at(30), at(10)]
  const answer = await ingest.publish('ordered', events, history('20 minutes'))
  assert.equal(answer.status, 200)
  const log = await readLog(ingest.topic('ordered'))
  const marks = new Map(
    log.map(({ headers }) => [
      headers['kappa-id']?.toString(),
      headers['kappa-import']?.toString(),
    ]),
  )
  const highest = [0, 30, 30]
  for (const [n, { event_id }] of events.entries()) {
    const [accepted, highestMs, disorderMs] = (marks.get(event_id) ?? '').split(';').map(Number)
    assert.ok(accepted && accepted >= before && accepted <= Date.now())
    assert.deepEqual([highestMs, disorderMs], [midnight + (highest[n] ?? 0) * minute, 20 * minute])
  }
  for (const { headers } of log) assert.equal(headers['kappa-accepted'], undefined)
})

test('an event that is older than the disorder allows is rejected with bound and highest', async () => {
  const first = await ingest.publish('disorder', [at(60), at(50), at(49)], history('10 minutes'))
  assert.deepEqual(codes(first), ['accepted', 'accepted', 'import_disorder'])
  const { error } = first.body.results[2] ?? {}
  assert.equal(error?.path, '$.departed_at')
  assert.match(error?.message ?? '', /2013-01-01T01:00:00.000Z.*10 minutes/)
  const second = await ingest.publish('disorder', [at(59), at(60), at(70), at(69)], history())
  assert.deepEqual(codes(second), ['import_disorder', 'accepted', 'accepted', 'import_disorder'])
  const all = await ingest.publish('disorder', at(0), history())
  assert.deepEqual([all.status, all.body.error.code], [422, 'all_events_rejected'])
})

test('the declared disorder is bounded by the contract', async () => {
  const above = await ingest.publish('bounds', at(0), history('61 minutes'))
  assert.deepEqual([above.status, above.body.error.code], [400, 'bad_request'])
  assert.match(above.body.error.message, /61 minutes.*bound of 1 hour/)
  const wrong = await ingest.publish('bounds', at(0), history('soon'))
  assert.match(wrong.body.error.message, /"soon"/)
  const live = await ingest.publish('bounds', at(0), { query: '?disorder=1%20hour' })
  assert.match(live.body.error.message, /mode=import/)
})

test('an import is closed by the first live event, not by a rejected one', async () => {
  await ingest.publish('closed', at(0), history())
  await ingest.publish('closed', { event_id: 'wrong' })
  assert.equal((await ingest.publish('closed', at(1), history())).status, 200)
  assert.equal((await ingest.publish('closed', delay())).status, 200)
  const { status, body } = await ingest.publish('closed', at(2), history())
  assert.deepEqual([status, body.error.code], [409, 'import_closed'])
})

test('live events and imports that come together leave no import after a live event', async () => {
  const requests = Array.from({ length: 60 }, (_, n) =>
    n === 30
      ? ingest.publish('race', delay())
      : ingest.publish('race', at(n, { tail_number: `N${n}` }), history('1 hour')),
  )
  const answers = await Promise.all(requests)
  assert.ok(answers.every(({ status }) => status === 200 || status === 409))
  const log = await readLog(ingest.topic('race'))
  const live = log.find(({ headers }) => headers['kappa-accepted'])
  assert.ok(live)
  assert.equal(log.length, answers.filter(({ status }) => status === 200).length)
  for (const { timestamp } of log) assert.ok(timestamp <= live.timestamp, 'appended before it')
})

test('after a restart the highest event time and the closing come from the log', async () => {
  const keys = Array.from({ length: 20 }, (_, n) => `N${n}`)
  const events = keys.map((tail_number, n) => at(n, { tail_number }))
  await ingest.publish('restart', events, history())
  await ingest.publish('restart-closed', at(0, { tail_number: 'N1' }), history())
  await ingest.publish('restart-closed', delay({ tail_number: 'N7' }))

  const again = await TestIngest.start(labels, { sameAs: ingest })
  try {
    const answers = await Promise.all([
      again.publish('restart', at(18), history()),
      again.publish('restart', at(19), history()),
      again.publish('restart', at(14), history('5 minutes')),
    ])
    assert.deepEqual(answers.map(codes), [['import_disorder'], ['accepted'], ['accepted']])
    const closed = await again.publish('restart-closed', at(1), history())
    assert.equal(closed.body.error.code, 'import_closed')
  } finally {
    await again.stop()
  }
})

test('P1: an import that is sent again whole, to a new instance too, is where it was', async () => {
  const chunks = [0, 1, 2].map((n) => [at(100 * n), at(100 * n + 50), at(100 * n + 99)])
  const first: Answer[] = []
  for (const chunk of chunks) first.push(await ingest.publish('again', chunk, history()))
  const again = await TestIngest.start(labels, { sameAs: ingest })
  try {
    for (const instance of [ingest, again]) {
      for (const [n, chunk] of chunks.slice(0, 2).entries()) {
        const { status, body } = await instance.publish('again', chunk, history())
        assert.deepEqual([status, body.results], [200, first[n]?.body.results])
        assert.equal(body.position, first[n]?.body.position)
      }
    }
    assert.equal((await readLog(ingest.topic('again'))).length, 9)
    const other = await again.publish('again', at(0), history())
    assert.deepEqual(codes(other), ['import_disorder'])
  } finally {
    await again.stop()
  }
})
