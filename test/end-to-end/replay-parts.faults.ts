import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ReplayPlan } from '@kappa/applications/replay-record'
import { deleteRecords } from '../../packages/kafka/test/delete-records.ts'
import { assertSameRows } from '../oracle/compare.ts'
import { expectedView, openFlights } from '../oracle/flights.ts'
import { askPython } from '../python.ts'
import { FlightsCase } from '../replays/flights-case.ts'
import { RefusedError, readAllTheTime } from '../replays/replays.ts'
import { testStack } from '../stack.ts'

const namespace = 'faults-parts'
const application = 'flights'
const views = ['carrier_hours', 'route_delays', 'carrier_days'] as const
/** Midnight in New York, where windows of all views begin; windows of three hours go across it. */
const timestamp = '2013-01-03T05:00:00Z'
const hourMs = 3_600_000
const repository = join(import.meta.dirname, '..', '..', 'applications', application)

describe('P2, P7: a part of the log is replayed', { concurrency: 1 }, () => {
  let flights: FlightsCase
  let reader: ReturnType<typeof readAllTheTime>

  before(async () => {
    flights = await FlightsCase.start({
      namespace,
      redisDatabase: 4,
      views,
      days: 4,
      disorderMs: 0.9 * hourMs,
      environment: { KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX: '1000' },
    })
    await flights.publishUpTo(0.9)
    await flights.untilCurrent()
    reader = readAllTheTime(flights.platform, application, 'carrier_hours', 50)
  })
  after(async () => {
    await reader?.stop()
    await flights?.stop()
  })

  test('carried from a timestamp: what ended before it comes from the live release, the rest is read', async () => {
    const { id, plan } = await flights.replays.create({
      application,
      from: { timestamp },
      carry: true,
      promote: 'if-equal',
    })
    const last = (view: string) => plan?.carry?.[view]?.last_carried_ms
    const at = Date.parse(timestamp)
    assert.deepEqual(views.map(last), [at - hourMs, at - 3 * hourMs, at - 24 * hourMs])
    assert.ok((plan?.events ?? 0) < 0.9 * flights.published, `it reads ${plan?.events} events`)
    const status = await flights.replays.until(id, ['live'])
    assert.equal(status.comparison?.verdict, 'equal')
    for (const view of status.comparison?.views ?? []) assert.ok(view.equal > 0, view.view)
    await flights.publishUpTo(0.95)
    await flights.assertRowsOf(views, { csvPath: flights.csvPath, eventIds: published() })
  })

  test('carried with other SQL: old rows before the timestamp, new ones after it', async () => {
    writeView('carrier_hours', (sql) => sql.replace('delay_minutes > 15', 'delay_minutes > 30'))
    const { id } = await flights.replays.create({ application, from: { timestamp }, carry: true })
    const ready = await flights.replays.until(id, ['ready'])
    assert.equal(ready.comparison?.verdict, 'different')
    await flights.replays.promote(id)
    await flights.publishUpTo(1)
    await flights.untilCurrent()
    const expected = await expectedView('carrier_hours', { csvPath: flights.csvPath })
    using database = await openFlights({ csvPath: flights.csvPath })
    const { rows } = await database.query(`
      SELECT carrier, date_trunc('hour', departed_at) AS hour,
        count(CASE WHEN delay_minutes > 30 THEN 1 END) AS delayed
      FROM departures
      WHERE date_trunc('hour', departed_at) >= TIMESTAMP '2013-01-03 05:00:00'
      GROUP BY ALL`)
    assert.ok(rows.length > 0 && rows.length < expected.rows.length)
    const later = new Map(rows.map(({ carrier, hour, delayed }) => [`${carrier} ${hour}`, delayed]))
    const both = expected.rows.map((row) => ({
      ...row,
      delayed: later.get(`${row.carrier} ${row.hour}`) ?? row.delayed ?? null,
    }))
    const actual = await flights.platform.allRows(application, 'carrier_hours')
    assertSameRows('carrier_hours', { ...expected, rows: both }, actual)
    await flights.assertRowsOf(['route_delays', 'carrier_days'], { csvPath: flights.csvPath })
    writeView('carrier_hours', (sql) => sql)
    assert.equal((await flights.replays.rollBack(application)).done, true)
    await flights.assertRows()
  })

  test('carrying is refused, with every reason, where rows of two releases cannot stand in one view', async () => {
    await refusedToCarry('2013-01-03T05:30:00Z', [
      /carrier_hours has no window that starts at 2013-01-03T05:30.*take 2013-01-03T05:00/,
      /carrier_days has no window that starts at 2013-01-03T05:30/,
    ])
    await refusedToCarry('2013-01-20T05:00:00Z', [
      /carrier_hours has its watermark in the live release 2 at 2013-01-0/,
    ])
    const sql = readFileSync(join(repository, 'views', 'aircraft_places.sql'), 'utf8')
    const file = join(flights.copy.applicationsFolder, application, 'application.yaml')
    const yaml = readFileSync(file, 'utf8')
    flights.copy.write('views/aircraft_places.sql', sql)
    const key = 'aircraft_places: { key: [tail_number] }'
    flights.copy.write('application.yaml', yaml.replace('views:\n', `views:\n  ${key}\n`))
    await refusedToCarry(timestamp, [/aircraft_places has no window in its key/])
    flights.copy.write('application.yaml', yaml)
    flights.copy.remove('views/aircraft_places.sql')
  })

  test('from a timestamp without carrying: rows are those of the events from there on', async () => {
    const { id, plan } = await flights.replays.create({ application, from: { timestamp } })
    const log = await readLog()
    const eventIds = idsFrom(log, plan)
    // Every event of that time or later is read, and not much more: less than the disorder.
    const times = new Map(flights.events.map(({ event }) => [idOf(event), timeOf(event)]))
    for (const { id: eventId } of log) {
      const time = times.get(eventId) ?? 0
      if (time >= Date.parse(timestamp)) assert.ok(eventIds.has(eventId), `${eventId} is read`)
      if (time < Date.parse(timestamp) - 2 * hourMs) assert.ok(!eventIds.has(eventId), eventId)
    }
    const ready = await flights.replays.until(id, ['ready'])
    assert.equal(ready.comparison?.verdict, 'different')
    assert.equal((await flights.replays.promote(id)).done, true)
    await flights.assertRowsOf(views, { csvPath: flights.csvPath, eventIds })
    assert.equal((await flights.replays.rollBack(application)).done, true)
    await flights.assertRows()
  })

  test('retention has passed the start: refused, with how much is missing; partial if that is accepted', async () => {
    const missing = { departures: 120, arrivals: 55 }
    const brokers = testStack().kafkaBrokers.split(',')
    for (const [name, count] of Object.entries(missing)) {
      await deleteRecords(brokers, flights.copy.topic(`flights.${name}`), BigInt(count))
    }
    const refusal = await refused(flights.replays.create({ application }))
    assert.deepEqual([refusal.status, refusal.code], [409, 'log_incomplete'])
    assert.match(refusal.message, /deleted up to 120 records of \S+departures.*up to 55 records/)
    const { plan } = refusal.details as { plan: ReplayPlan }
    const missed = plan.topics.map(({ missing_events }) => missing_events)
    assert.deepEqual(missed, [missing.departures, missing.arrivals])

    const { id, plan: partial } = await flights.replays.create({
      application,
      accept_partial: true,
    })
    const eventIds = idsFrom(await readLog(), partial)
    assert.equal(eventIds.size, flights.events.length - 175)
    const ready = await flights.replays.until(id, ['ready'])
    assert.equal(ready.comparison?.verdict, 'different')
    assert.equal((await flights.replays.promote(id)).done, true)
    await flights.assertRowsOf(views, { csvPath: flights.csvPath, eventIds })
    // A later time needs nothing of what is deleted.
    const later = await flights.replays.create({ application, from: { timestamp } })
    assert.ok((later.plan?.topics ?? []).every(({ missing_events }) => missing_events === 0))
    await flights.replays.cancel(later.id)
    assert.equal((await flights.replays.rollBack(application)).done, true)
    await flights.assertRows()
  })

  test('P4: a reader has seen no error and nothing older', async () => {
    const { problems } = await reader.stop()
    assert.deepEqual(problems, [])
  })

  function published(): Set<string> {
    return new Set(flights.events.slice(0, flights.published).map(({ event }) => idOf(event)))
  }

  async function refusedToCarry(from: string, reasons: readonly RegExp[]): Promise<void> {
    const request = { application, from: { timestamp: from }, carry: true }
    const { code, details } = await refused(flights.replays.create(request))
    assert.equal(code, 'carry_refused')
    const told = (details as { reasons: string[] }).reasons
    for (const reason of reasons) {
      assert.ok(
        told.some((text) => reason.test(text)),
        `${reason} in ${told.join(' ')}`,
      )
    }
  }

  /** The log as librdkafka reads it. */
  async function readLog(): Promise<LogRecord[]> {
    const topics = ['flights.departures', 'flights.arrivals'].map(flights.copy.topic)
    const brokers = testStack().kafkaBrokers
    const records = await Promise.all(
      topics.map(async (topic) => {
        const log = await askPython<[number, number, string][]>('read_log', { brokers, topic })
        return log.map(([partition, offset, id]) => ({ topic, partition, offset, id }))
      }),
    )
    return records.flat()
  }

  function writeView(view: string, change: (sql: string) => string): void {
    const file = join('views', `${view}.sql`)
    flights.copy.write(file, change(readFileSync(join(repository, file), 'utf8')))
  }
})

interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly id: string
}

function idsFrom(log: readonly LogRecord[], plan: ReplayPlan | null): Set<string> {
  const start = ({ topic, partition }: LogRecord) => Number(plan?.starts[topic]?.[partition])
  return new Set(log.filter((record) => record.offset >= start(record)).map(({ id }) => id))
}

async function refused(asked: Promise<unknown>): Promise<RefusedError> {
  try {
    await asked
  } catch (error) {
    if (error instanceof RefusedError) return error
    throw error
  }
  throw new Error('It was not refused.')
}

function idOf(event: object): string {
  return (event as { event_id: string }).event_id
}

function timeOf(event: object): number {
  const { departed_at, arrived_at } = event as { departed_at?: string; arrived_at?: string }
  return Date.parse(arrived_at ?? departed_at ?? '')
}
