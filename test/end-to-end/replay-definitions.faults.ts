import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ReplayStatus } from '@kappa/replay/replays/replay-schemas'
import { assertSameRows } from '../oracle/compare.ts'
import { expectedView, openFlights } from '../oracle/flights.ts'
import { FlightsCase } from '../replays/flights-case.ts'
import { readAllTheTime } from '../replays/replays.ts'

const namespace = 'faults-definitions'
const application = 'flights'
const repository = join(import.meta.dirname, '..', '..', 'applications', application)

/** Nothing is published meanwhile, so that every figure can be told before. */
describe('P2, P7: what is changed of an application is what its comparison shows', {
  concurrency: 1,
}, () => {
  let flights: FlightsCase
  let reader: ReturnType<typeof readAllTheTime>

  before(async () => {
    flights = await FlightsCase.start({
      namespace,
      redisDatabase: 3,
      views: ['carrier_hours', 'turnarounds'],
      days: 3,
      environment: {
        KAPPA_COMPARE_SAMPLES_MAX: '1000',
        KAPPA_COMPARE_SAMPLE_BYTES_MAX: '262144',
      },
    })
    await flights.assertRows()
    reader = readAllTheTime(flights.platform, application, 'carrier_hours', 50)
  })
  after(async () => {
    await reader?.stop()
    await flights?.stop()
  })

  test('SQL: exactly the rows of which DuckDB says so differ, with their old and new values', async () => {
    writeView('carrier_hours', (sql) => sql.replace('window(departed_at', 'window(scheduled_at'))
    const { id } = await flights.replays.create({ application })
    const { comparison } = await flights.replays.until(id, ['ready'])
    assert.equal(comparison?.verdict, 'different')
    const found = viewOf(comparison, 'carrier_hours')
    const [before, after] = await Promise.all([
      expectedBy(await expectedView('carrier_hours', { csvPath: flights.csvPath })),
      expectedBy(await expectedView('carrier_hours_scheduled', { csvPath: flights.csvPath })),
    ])
    const counts = { equal: 0, changed: 0, only_old: 0, only_new: 0 }
    const changedByColumn: Record<string, number> = {}
    for (const [key, row] of before) {
      const other = after.get(key)
      if (other === undefined) counts.only_old += 1
      else {
        const columns = Object.keys(row).filter((column) => row[column] !== other[column])
        counts[columns.length === 0 ? 'equal' : 'changed'] += 1
        for (const column of columns) changedByColumn[column] = (changedByColumn[column] ?? 0) + 1
      }
    }
    for (const key of after.keys()) if (!before.has(key)) counts.only_new += 1
    const { equal, changed, only_old, only_new } = found
    assert.deepEqual({ equal, changed, only_old, only_new }, counts)
    const differing = changed + only_old + only_new
    assert.ok(changed > 0 && only_old > 0 && only_new > 0 && equal > 0, JSON.stringify(counts))
    assert.deepEqual([found.unexplained, found.expected, found.unsettled], [differing, 0, 0])
    assert.deepEqual(found.changed_by_column, changedByColumn)

    assert.equal(found.samples.length, Math.min(1_000, differing))
    for (const { key, kind, old, new: now } of found.samples) {
      const [was, is] = [before.get(key), after.get(key)]
      assert.equal(kind, was && is ? 'changed' : was ? 'only_old' : 'only_new', key)
      assertSameValues(old, was)
      assertSameValues(now, is)
    }
    assert.equal(viewOf(comparison, 'turnarounds').verdict, 'equal')
    await flights.replays.cancel(id)
    writeView('carrier_hours', (sql) => sql)
  })

  test('a column more, undeclared: different, with the change of the schema', async () => {
    addMiles()
    const { id } = await flights.replays.create({ application, promote: 'if-equal' })
    const { comparison } = await flights.replays.until(id, ['ready'])
    assert.equal(comparison?.verdict, 'different')
    const found = viewOf(comparison, 'carrier_hours')
    assert.deepEqual(found.schema_changes, [
      { column: 'miles', old_type: null, new_type: 'bigint' },
    ])
    assert.match(found.reason ?? '', /expected\.columns does not name them: miles/)
    assert.deepEqual([found.changed, found.only_old, found.only_new], [0, 0, 0])
    await assert.rejects(flights.replays.promote(id), /rows_differ/)
    await flights.replays.cancel(id)
  })

  test('a column more, declared: equal in all others, promoted, and right itself', async () => {
    const status = await replayed({ views: { carrier_hours: { columns: ['miles'] } } })
    const found = viewOf(status.comparison, 'carrier_hours')
    assert.equal(found.verdict, 'equal')
    assert.ok(found.equal > 0)
    using database = await openFlights({ csvPath: flights.csvPath })
    const { rows } = await database.query(`SELECT carrier, date_trunc('hour', departed_at) AS hour,
      CAST(sum(distance_miles) AS BIGINT) AS miles FROM departures GROUP BY ALL`)
    const expected = await expectedView('carrier_hours', { csvPath: flights.csvPath })
    const miles = new Map(rows.map(({ carrier, hour, miles }) => [`${carrier} ${hour}`, miles]))
    const withMiles = expected.rows.map((row) => ({
      ...row,
      miles: miles.get(`${row.carrier} ${row.hour}`) ?? null,
    }))
    assertSameRows('carrier_hours', { ...expected, rows: withMiles }, await rowsOf('carrier_hours'))
    await flights.assertRows(['turnarounds'])
  })

  test('a view more: declared afterwards and compared again it is promoted, and its rows are right', async () => {
    flights.copy.write(
      'views/carrier_days.sql',
      readFileSync(join(repository, 'views', 'carrier_days.sql'), 'utf8'),
    )
    writeApplication((yaml) =>
      yaml.replace('views:\n', 'views:\n  carrier_days: { key: [carrier, day], time: day }\n'),
    )
    const undeclared = await flights.replays.create({ application, promote: 'if-equal' })
    const { comparison } = await flights.replays.until(undeclared.id, ['ready'])
    assert.equal(comparison?.verdict, 'different')
    assert.match(viewOf(comparison, 'carrier_days').reason ?? '', /added_views does not name it/)
    await assert.rejects(rowsOf('carrier_days'), /unknown_view/)

    await flights.replays.compare(undeclared.id, { expected: { added_views: ['carrier_days'] } })
    const status = await flights.replays.until(undeclared.id, ['live'])
    assert.equal(status.comparison?.verdict, 'equal')
    assert.equal(viewOf(status.comparison, 'carrier_days').verdict, 'added')
    await flights.assertRows(['turnarounds', 'carrier_days'])
  })

  test('a view less: declared it is promoted, and results does not know it any more', async () => {
    flights.copy.remove('views/turnarounds.sql')
    writeApplication((yaml) => yaml.replace(/^ {2}turnarounds:.*\n/m, ''))
    assert.ok((await rowsOf('turnarounds')).length > 0)
    const status = await replayed({ removed_views: ['turnarounds'] })
    assert.equal(viewOf(status.comparison, 'turnarounds').verdict, 'removed')
    await assert.rejects(rowsOf('turnarounds'), /404.*unknown_view/s)
    await flights.assertRows(['carrier_days'])
    const outcome = await flights.replays.rollBack(application)
    assert.equal(outcome.done, true)
    await flights.assertRows(['turnarounds', 'carrier_days'])
  })

  test('P4: a reader has seen no error and nothing older', async () => {
    const { problems, releases } = await reader.stop()
    assert.deepEqual(problems, [])
    assert.deepEqual(releases, [1, 4, 5, 6, 5])
  })

  /** Replays what the folder says now, to be promoted when nothing else differs. */
  async function replayed(expected: object): Promise<ReplayStatus> {
    const { id, release } = await flights.replays.create({
      application,
      promote: 'if-equal',
      expected,
    })
    const status = await flights.replays.until(id, ['live'])
    assert.equal(status.comparison?.verdict, 'equal')
    assert.equal((await flights.platform.releaseStatus(application)).release, release)
    return status
  }

  function rowsOf(view: string) {
    return flights.platform.allRows(application, view)
  }

  function writeView(view: string, change: (sql: string) => string): void {
    const file = join('views', `${view}.sql`)
    flights.copy.write(file, change(readFileSync(join(repository, file), 'utf8')))
  }

  function addMiles(): void {
    writeView('carrier_hours', (sql) =>
      sql.replace('\nFROM', ',\n  sum(distance_miles) AS miles\nFROM'),
    )
  }

  function writeApplication(change: (yaml: string) => string): void {
    const file = join(flights.copy.applicationsFolder, application, 'application.yaml')
    flights.copy.write('application.yaml', change(readFileSync(file, 'utf8')))
  }
})

type Row = Readonly<Record<string, unknown>>

/** Rows by their key as the changelog writes it. */
function expectedBy({ rows, key }: { rows: readonly Row[]; key: readonly string[] }) {
  return new Map(rows.map((row) => [JSON.stringify(key.map((column) => row[column])), row]))
}

function assertSameValues(actual: Row | null, expected: Row | undefined): void {
  if (expected === undefined) assert.equal(actual, null)
  else {
    const expectedView = { rows: [expected as never], key: ['carrier', 'hour'] }
    const doubles = new Set(['delay_minutes_avg'])
    assertSameRows('sample', { ...expectedView, doubles }, [actual ?? {}])
  }
}

function viewOf(comparison: ReplayStatus['comparison'], name: string) {
  const found = comparison?.views.find(({ view }) => view === name)
  assert.ok(found, `${name} is compared`)
  return found
}
