import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decode, delay, readLog } from './fixture.ts'
import {
  Installation,
  type Instance,
  type Listed,
  type ResubmittedMany,
  withGate,
} from './rejected-fixture.ts'

const labels = [
  'list',
  'pages',
  'fix',
  'bytes',
  'ids',
  'many',
  'state',
  'import',
  'versions',
  'discard',
]
const installation = new Installation({
  KAPPA_INGEST_REJECTED_PAYLOAD_BYTES_MAX: '2000',
  KAPPA_INGEST_REJECTED_EVENTS_PER_CALL_MAX: '5',
})
let ingest: Instance
before(async () => {
  ingest = await installation.start(labels)
})
after(() => ingest?.stop())

const topic = (label: string) => installation.topic(label)
const wrong = (changes: object = {}) => ({ ...delay(), delay_minutes: 'seven', ...changes })
const list = async (query: string) => (await ingest.get<Listed>(`/v1/rejected?${query}`)).body
const repair = [{ op: 'replace', path: '/delay_minutes', value: 7 }]
const idsInLog = async (label: string) =>
  (await readLog(topic(label))).map(({ headers }) => headers['kappa-id']?.toString())

test('every rejected event of a request can be found with its payload and reason; the others are in the log', async () => {
  const events = [delay(), wrong(), delay(), { ...delay(), departed_at: 'never' }]
  const { status, body } = await ingest.publish('list', events)
  assert.equal(status, 207)
  const [, first, , second] = body.results ?? []
  const { rejections } = await list(`topic=${topic('list')}`)
  assert.deepEqual(
    new Set(rejections.map(({ id }) => id)),
    new Set([first?.rejection, second?.rejection]),
  )
  const read = await ingest.read(first?.rejection ?? '')
  assert.deepEqual(read.payload, { encoding: 'json', value: events[1] })
  assert.deepEqual([read.error.code, read.error.path], ['wrong_type', '$.delay_minutes'])
  assert.deepEqual([read.version, read.state, read.history], [1, 'open', []])
  assert.match(read.client, /127\.0\.0\.1/)
  assert.ok(Math.abs(read.received_at - Date.now()) < 60_000)
  const found = await list(`topic=${topic('list')}&code=bad_timestamp&state=open`)
  assert.deepEqual(
    found.rejections.map(({ id }) => id),
    [second?.rejection],
  )
  const before = new Date(read.received_at).toISOString()
  assert.equal((await list(`topic=${topic('list')}&to=${before}`)).rejections.length, 0)
  assert.equal((await list(`topic=${topic('list')}&from=${before}`)).rejections.length, 2)
})

test('pages meet every rejected event once, newest first', async () => {
  const ids: string[] = []
  for (let n = 0; n < 7; n++) ids.push(await ingest.reject('pages', wrong()))
  const met: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: Listed = await list(
      `topic=${topic('pages')}&limit=3${cursor && `&cursor=${cursor}`}`,
    )
    met.push(...page.rejections.map(({ id }) => id))
    assert.ok(page.rejections.length <= 3)
    const times = page.rejections.map(({ received_at }) => received_at)
    assert.deepEqual(
      times,
      times.toSorted((one, other) => other - one),
    )
    cursor = page.cursor
  }
  assert.deepEqual(met.toSorted(), ids.toSorted())
  const other = await ingest.get(`/v1/rejected?topic=${topic('pages')}&limit=1`)
  const moved = (other.body as unknown as Listed).cursor
  const { status, body } = await ingest.get(`/v1/rejected?cursor=${moved}`)
  assert.deepEqual([status, body.error.code], [400, 'bad_cursor'])
})

test('a fixed event is in the log once, under its own id, and asking again changes nothing', async () => {
  const event = wrong({ event_id: 'fixed-once' })
  const id = await ingest.reject('fix', event)
  const still = await ingest.resubmit(id)
  assert.deepEqual([still.status, still.body.error.code], [422, 'still_rejected'])
  const unfit = await ingest.resubmit(id, { patch: [{ op: 'remove', path: '/nothing' }] })
  assert.deepEqual([unfit.status, unfit.body.error.code], [422, 'patch_failed'])

  const first = await ingest.resubmit(id, { patch: repair })
  assert.deepEqual([first.status, first.body.repeated], [200, false])
  assert.equal(first.body.event.id, 'fixed-once')
  for (const fix of [{ patch: repair }, undefined]) {
    const again = await ingest.resubmit(id, fix)
    assert.deepEqual([again.status, again.body.repeated], [200, true])
    assert.deepEqual(again.body.event, first.body.event)
  }
  const otherwise = await ingest.resubmit(id, { payload: { ...event, delay_minutes: 8 } })
  assert.deepEqual([otherwise.status, otherwise.body.error.code], [409, 'already_resubmitted'])

  const [record, ...more] = await readLog(topic('fix'))
  assert.ok(record)
  assert.deepEqual(
    [more.length, { ...decode(record) }],
    [0, { ...event, delay_minutes: 7, note: '' }],
  )
  assert.equal(String(record.offset), first.body.event.offset)
  const { state, history } = await ingest.read(id)
  assert.equal(state, 'resubmitted')
  assert.deepEqual(
    history.map((change) => change.error?.code ?? change.state),
    ['resubmitting', 'wrong_type', 'resubmitting', 'resubmitted'],
  )
  assert.equal((await list(`topic=${topic('fix')}`)).rejections.length, 1)
})

test('payloads are kept as they were received, up to the bound', async () => {
  const long = await ingest.reject('bytes', wrong({ note: 'ä'.repeat(2_000) }))
  const cut = await ingest.read(long)
  assert.deepEqual([cut.truncated, cut.payload.encoding], [true, 'text'])
  assert.ok(cut.payload_bytes > 4_000)
  assert.ok(String(cut.payload.value).endsWith('ää'), 'no half of a character')
  const { status, body } = await ingest.resubmit(long, { patch: repair })
  assert.deepEqual([status, body.error.code], [409, 'payload_truncated'])
  assert.equal((await ingest.resubmit(long, { payload: delay() })).status, 200)

  const line = '{"event_id": "broken", '
  const malformed = await ingest.publish('bytes', `${JSON.stringify(delay())}\n${line}\n`)
  const broken = malformed.body.results?.[1]?.rejection ?? ''
  assert.deepEqual((await ingest.read(broken)).payload, { encoding: 'text', value: line })
  const unfit = await ingest.resubmit(broken)
  assert.deepEqual([unfit.status, unfit.body.error.code], [409, 'payload_not_json'])
  assert.equal((await ingest.resubmit(broken, { payload: delay() })).status, 200)

  const precise = '{"event_id": "precise", "delay_minutes": 12345678901234567890}'
  const number = await ingest.publish('bytes', precise)
  const exact = await ingest.read(number.body.results?.[0]?.rejection ?? '')
  assert.deepEqual(exact.payload, { encoding: 'text', value: precise })
})

test('an event without an id of its own, or with that of its envelope, has one id for ever', async () => {
  const anonymous = await installation.start(['anonymous'], { topicFile: { id: undefined } })
  try {
    const id = await anonymous.reject('anonymous', wrong())
    const { body } = await anonymous.resubmit(id, { patch: repair })
    assert.equal(body.event.id, id)
    assert.deepEqual(await idsInLog('anonymous'), [id])

    const cloudEvent = { specversion: '1.0', id: '7', source: '/gates', type: 'delay' }
    const response = await fetch(`${anonymous.url}/v1/topics/${topic('anonymous')}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ ...cloudEvent, data: wrong() }),
    })
    const answer = (await response.json()) as { results: [{ rejection: string }] }
    const enveloped = await anonymous.resubmit(answer.results[0].rejection, { patch: repair })
    assert.equal(enveloped.body.event.id, '/gates 7')
    const headers = (await readLog(topic('anonymous'))).map((record) => record.headers)
    const written = headers.find((each) => String(each['kappa-id']) === '/gates 7')
    assert.equal(String(written?.ce_type), 'delay')
  } finally {
    await anonymous.stop()
  }
})

test('many are resubmitted in calls of a bounded size; what is still wrong stays open and does not block the others', async () => {
  const events = Array.from({ length: 12 }, (_, n) =>
    wrong({ event_id: `many-${n}`, ...(n % 4 === 0 && { note: 7 }) }),
  )
  for (const event of events) await ingest.reject('many', event)
  const filter = { topic: topic('many'), code: 'wrong_type' }
  const calls: ResubmittedMany[] = []
  let cursor: string | null | undefined
  do {
    const body = { filter, patch: repair, ...(cursor && { cursor }) }
    const answer = await ingest.post<ResubmittedMany>('/v1/rejected/resubmit', body)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    calls.push(answer.body)
    cursor = answer.body.cursor
  } while (cursor)
  assert.deepEqual(
    calls.map(({ resubmitted, failed, remaining }) => [resubmitted, failed, remaining]),
    [
      [3, 2, 7],
      [4, 1, 2],
      [2, 0, 0],
    ],
  )
  assert.deepEqual(
    calls.flatMap(({ errors }) => errors.map(({ error }) => error.code)),
    ['wrong_type', 'wrong_type', 'wrong_type'],
  )
  const right = events.filter(({ note }) => note === undefined).map(({ event_id }) => event_id)
  assert.deepEqual((await idsInLog('many')).toSorted(), right.toSorted())
  const open = await list(`topic=${topic('many')}&state=open`)
  assert.equal(open.rejections.length, 3)
  assert.equal(await ingest.metric('kappa_ingest_rejections_open', 'many'), 3)
  assert.equal(await ingest.metric('kappa_ingest_rejections_resubmitted_total', 'many'), 9)

  const dismissed = await ingest.post<{ dismissed: number }>('/v1/rejected/dismiss', { filter })
  assert.equal(dismissed.body.dismissed, 3)
  assert.equal((await list(`topic=${topic('many')}&state=open`)).rejections.length, 0)
  assert.equal(await ingest.metric('kappa_ingest_rejections_dismissed_total', 'many'), 3)
})

test('states are seen by other instances at once and survive restarts, with Kafka as the only truth', async () => {
  const ids: string[] = []
  for (let n = 0; n < 3; n++) ids.push(await ingest.reject('state', wrong()))
  const [open = '', fixed = '', dismissed = ''] = ids
  const states = async (instance: Instance) =>
    Promise.all(ids.map(async (id) => (await instance.read(id)).state))
  const other = await installation.start(labels)
  try {
    await ingest.resubmit(fixed, { patch: repair })
    await ingest.post(`/v1/rejected/${dismissed}/dismiss`)
    assert.deepEqual(await states(other), ['open', 'resubmitted', 'dismissed'])
    const late = await other.post(`/v1/rejected/${fixed}/dismiss`)
    assert.deepEqual([late.status, late.body.error.code], [409, 'already_resubmitted'])
    const again = await other.post<{ repeated: boolean }>(`/v1/rejected/${dismissed}/dismiss`)
    assert.deepEqual([again.status, again.body.repeated], [200, true])
    assert.equal((await other.resubmit(dismissed, { patch: repair })).status, 200)
    assert.equal((await other.resubmit(open, { patch: repair })).status, 200)
    assert.deepEqual(await states(ingest), ['resubmitted', 'resubmitted', 'resubmitted'])
  } finally {
    await other.stop()
  }
  const restarted = await installation.start(labels)
  try {
    assert.deepEqual(await states(restarted), ['resubmitted', 'resubmitted', 'resubmitted'])
    assert.equal((await restarted.resubmit(fixed)).body.repeated, true)
    assert.equal((await idsInLog('state')).length, 3)
  } finally {
    await restarted.stop()
  }
})

test('events of an import are resubmitted as part of it, until it is closed', async () => {
  const at = (minutes: number) => Date.parse('2013-01-01T00:00:00Z') + minutes * 60_000
  const query = '?mode=import&disorder=10%20minutes'
  await ingest.publish('import', delay({ departed_at: at(0) }), query)
  const inTime = await ingest.reject('import', wrong({ departed_at: at(5) }), query)
  const tooOld = await ingest.reject('import', wrong({ departed_at: at(-11) }), query)
  const closed = await ingest.reject('import', wrong({ departed_at: at(6) }), query)

  assert.equal((await ingest.resubmit(inTime, { patch: repair })).status, 200)
  const old = await ingest.resubmit(tooOld, { patch: repair })
  assert.deepEqual([old.status, old.body.error.code], [422, 'still_rejected'])
  assert.equal((old.body.error.details as { code: string }).code, 'import_disorder')
  const log = await readLog(topic('import'))
  assert.equal(log.length, 2)
  for (const { headers } of log) assert.match(String(headers['kappa-import']), /^\d+;\d+;600000$/)

  await ingest.publish('import', delay())
  const late = await ingest.resubmit(closed, { patch: repair })
  assert.deepEqual([late.status, late.body.error.code], [409, 'import_closed'])
  const { state, history } = await ingest.read(closed)
  assert.deepEqual([state, history.at(-1)?.error?.code], ['open', 'import_closed'])
})

test('after a new version of the contract what was rejected is resubmitted as it was', async () => {
  const event = { ...delay({ event_id: 'gated' }), gate: 'B22' }
  const id = await ingest.reject('versions', event)
  assert.equal((await ingest.read(id)).error.code, 'unknown_field')
  const upgraded = await installation.start(['versions'], { versionTwo: withGate })
  try {
    const filter = { topic: topic('versions') }
    const { body } = await upgraded.post<ResubmittedMany>('/v1/rejected/resubmit', { filter })
    assert.deepEqual([body.resubmitted, body.failed, body.errors], [1, 0, []])
    const [change] = (await upgraded.read(id)).history.slice(-1)
    assert.equal(change?.event?.id, 'gated')
    assert.deepEqual(await idsInLog('versions'), ['gated'])
  } finally {
    await upgraded.stop()
  }
})

test('what is to be discarded is in the answer only, and counted; all metrics of rejected events agree', async () => {
  await ingest.publish('discard', [wrong(), wrong()], '?rejected=discard')
  const id = await ingest.reject('discard', wrong())
  await ingest.resubmit(id)
  await ingest.resubmit(id, { patch: repair })
  assert.equal((await list(`topic=${topic('discard')}`)).rejections.length, 1)
  const [kept, discarded, again, resubmitted, rejected, accepted, received] = await Promise.all(
    [
      'rejections_kept_total',
      'rejections_discarded_total',
      'rejections_rejected_again_total',
      'rejections_resubmitted_total',
      'events_rejected_total',
      'events_accepted_total',
      'events_received_total',
    ].map((name) => ingest.metric(`kappa_ingest_${name}`, 'discard')),
  )
  assert.deepEqual([kept, discarded, again, resubmitted], [1, 2, 1, 1])
  assert.deepEqual([rejected, accepted, received], [4, 1, 5])
})

test('what does not exist and what cannot be understood is said', async () => {
  const unknown = await ingest.get('/v1/rejected/0199')
  assert.deepEqual([unknown.status, unknown.body.error.code], [404, 'unknown_rejection'])
  const id = await ingest.reject('fix', wrong())
  const asked: [string, unknown, string][] = [
    [`/v1/rejected/${id}/resubmit`, { patch: [], payload: {} }, 'bad_request'],
    [`/v1/rejected/${id}/resubmit`, { patch: repair, payload: {} }, 'bad_request'],
    [`/v1/rejected/${id}/resubmit`, { patch: [{ op: 'spin', path: '' }] }, 'bad_request'],
    [`/v1/rejected/${id}/resubmit`, { fix: 1 }, 'bad_request'],
    ['/v1/rejected/resubmit', {}, 'bad_request'],
    ['/v1/rejected/resubmit', { filter: { from: 'yesterday' } }, 'bad_request'],
    ['/v1/rejected/dismiss', { filter: {}, cursor: 'x' }, 'bad_cursor'],
  ]
  for (const [path, body, code] of asked) {
    const answer = await ingest.post(path, body)
    assert.deepEqual([answer.status, answer.body.error?.code], [400, code], JSON.stringify(body))
  }
  const version = await ingest.resubmit(id, { patch: repair, version: 9 })
  assert.deepEqual([version.status, version.body.error.code], [404, 'unknown_version'])
  assert.equal((await ingest.read(id)).state, 'open')
})
