import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { assertSameRows } from '../oracle/compare.ts'
import { expectedView } from '../oracle/flights.ts'
import { getJson } from '../platform/platform-client.ts'
import type { Publication } from '../platform/publish.ts'
import { waitFor } from '../platform/wait.ts'
import { FlightsCase } from '../replays/flights-case.ts'
import { readAllTheTime } from '../replays/replays.ts'

const application = 'flights'
const views = ['carrier_hours', 'turnarounds'] as const

describe('P2: a contract gains a version in the middle of the log', { concurrency: 1 }, () => {
  let flights: FlightsCase
  const gated = new Set<string>()

  before(async () => {
    flights = await FlightsCase.start({
      namespace: 'faults-contracts',
      redisDatabase: 7,
      views,
      days: 3,
    })
    await flights.publishUpTo(0.5)
    await flights.untilCurrent()
  })
  after(() => flights?.stop())

  test('events of the new version are published beside the release that is live', async () => {
    const { platform, copy } = flights
    const topic = copy.topic('flights.departures')
    const folder = join(copy.schemasFolder, topic)
    const schema = JSON.parse(readFileSync(join(folder, '1.avsc'), 'utf8'))
    const gate = { name: 'gate', type: ['null', 'string'], default: null }
    const second = { ...schema, fields: [...schema.fields, gate] }
    writeFileSync(join(folder, '2.avsc'), JSON.stringify(second, null, 2))
    for (const name of ['ingest', 'replay'] as const) {
      await platform[name].stop()
      platform[name] = await platform.startService(name)
    }
    await waitFor(
      'version 2 being publishable',
      async () => {
        const answer = await getJson(`${platform.ingest.url}/v1/topics/${topic}`)
        const { versions } = answer as { versions: { publishable: boolean }[] }
        return versions[1]?.publishable ? true : undefined
      },
      180_000,
    )
    await flights.publishUpTo(1, withGate)
    await flights.assertRows()
    assert.ok(gated.size > 1_000)
  })

  test('a replay decodes both versions: its new column is right, and so is all else', async () => {
    const reader = readAllTheTime(flights.platform, application, 'carrier_hours', 50)
    const { copy, replays } = flights
    const file = join('views', 'carrier_hours.sql')
    const sql = readFileSync(join(copy.applicationsFolder, application, file), 'utf8')
    copy.write(file, sql.replace('\nFROM', ',\n  count(gate) AS gates\nFROM'))
    const { id, release } = await replays.create({
      application,
      promote: 'if-equal',
      expected: { views: { carrier_hours: { columns: ['gates'] } } },
    })
    await replays.until(id, ['live'])
    const status = await flights.platform.releaseStatus(application)
    assert.equal(status.release, release)
    for (const { position } of status.views) assert.equal(position.undecodable_events, 0)

    const { csvPath } = flights
    const expected = await expectedView('carrier_hours', { csvPath })
    const some = await expectedView('carrier_hours', { csvPath, eventIds: gated })
    const key = (row: Readonly<Record<string, unknown>>) => `${row.carrier} ${row.hour}`
    const gates = new Map(some.rows.map((row) => [key(row), row.departures ?? 0]))
    const rows = expected.rows.map((row) => ({ ...row, gates: gates.get(key(row)) ?? 0 }))
    await flights.untilCurrent()
    const actual = await flights.platform.allRows(application, 'carrier_hours')
    assertSameRows('carrier_hours', { ...expected, rows }, actual)
    await flights.assertRows(['turnarounds'])

    assert.equal((await replays.rollBack(application)).done, true)
    await flights.assertRows()
    const { problems, releases } = await reader.stop()
    assert.deepEqual(problems, [])
    assert.deepEqual(releases, [1, release, 1])
  })

  function withGate({ topic, event }: Publication): Publication {
    if (topic !== 'flights.departures') return { topic, event }
    gated.add((event as { event_id: string }).event_id)
    return { topic, event: { ...event, gate: 'B7' } }
  }
})
