import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Database, literal, type Table } from './database.ts'
import { createLateness, type LivePublication, type OnTimeBounds } from './lateness.ts'

/** The views of applications/flights, with the columns that identify a row. */
export const VIEW_KEYS = {
  carrier_hours: ['carrier', 'hour'],
  route_delays: ['origin', 'destination', 'window_start'],
  aircraft_places: ['tail_number'],
  carrier_days: ['carrier', 'day'],
  turnarounds: ['arrival_id', 'departure_id'],
  /** What carrier_hours is after a bug fix of the tests. */
  carrier_hours_scheduled: ['carrier', 'hour'],
} as const satisfies Record<string, readonly string[]>

export type ViewName = keyof typeof VIEW_KEYS
export const VIEW_NAMES = (Object.keys(VIEW_KEYS) as ViewName[]).filter(
  (name) => name !== 'carrier_hours_scheduled',
)

/** What a view must hold: compare it with `compareRows`. */
export type ExpectedView = Table & { readonly name: ViewName; readonly key: readonly string[] }

export type FlightsOptions = {
  /** A `flights.csv` of nycflights13, plain or gzipped; default: the application's January 2013. */
  readonly csvPath?: string
  /** How many times each event was published, each time under an id of its own (`…-dep~1`); default 1. */
  readonly copies?: number
  /** Only these events of the file, as if the others had never been published. */
  readonly eventIds?: ReadonlySet<string>
}

/** Live events in place of a file of flights: exactly those of them that are on time count. */
export type LiveOptions = {
  readonly live: readonly LivePublication[]
  readonly bounds: OnTimeBounds
}

const APPLICATION = new URL('../../applications/flights/', import.meta.url)

/**
 * Computes a view of the example application from the data alone.
 *
 * It shares no code with the platform, nor with the application's own events, and finds times of
 * events and windows by other rules wherever there are two ways (see flights/*.sql).
 */
export async function expectedView(
  name: ViewName,
  options: FlightsOptions | LiveOptions = {},
): Promise<ExpectedView> {
  const [view] = await expectedViews([name], options)
  if (view === undefined) throw new Error(`The oracle knows no view ${name}`)
  return view
}

/** The same for several views, reading the data once. */
export async function expectedViews(
  names: readonly ViewName[] = VIEW_NAMES,
  options: FlightsOptions | LiveOptions = {},
): Promise<ExpectedView[]> {
  using database = await openFlights(options)
  const views: ExpectedView[] = []
  for (const name of names) {
    const table = await database.query(await sqlFile(`${name}.sql`))
    views.push({ ...table, name, key: VIEW_KEYS[name] })
  }
  return views
}

/**
 * A database with the tables `departures` and `arrivals`, one row for each event that counts, times in
 * UTC without a zone. To be disposed of.
 */
export async function openFlights(options: FlightsOptions | LiveOptions = {}): Promise<Database> {
  const database = await Database.open()
  try {
    for (const name of ['airlines', 'planes', 'airports']) {
      await createCsv(database, name, fileURLToPath(new URL(`datasets/${name}.csv`, APPLICATION)))
    }
    if ('live' in options) {
      await createLateness(database, options.live, options.bounds)
      await database.run(await sqlFile('live.sql'))
    } else {
      const sample = fileURLToPath(new URL('sample/flights-2013-01.csv.gz', APPLICATION))
      await createCsv(database, 'flights', options.csvPath ?? sample)
      await database.run(`CREATE TABLE copies AS
        SELECT CASE WHEN copy = 0 THEN '' ELSE '~' || copy END AS suffix
        FROM range(${options.copies ?? 1}) AS numbers(copy)`)
      await database.run(await sqlFile('flights.sql'))
      if (options.eventIds) await keepEvents(database, options.eventIds)
    }
    return database
  } catch (error) {
    database[Symbol.dispose]()
    throw error
  }
}

async function keepEvents(database: Database, ids: ReadonlySet<string>): Promise<void> {
  await database.run(`CREATE TABLE kept AS
    SELECT unnest(from_json(${literal(JSON.stringify([...ids]))}, '["VARCHAR"]')) AS event_id`)
  for (const table of ['departures', 'arrivals']) {
    await database.run(`DELETE FROM ${table} WHERE event_id NOT IN (SELECT event_id FROM kept)`)
  }
}

async function createCsv(database: Database, name: string, path: string): Promise<void> {
  await database.run(`CREATE MACRO ${name}_csv() AS TABLE
    SELECT * FROM read_csv(${literal(path)}, header = true, nullstr = 'NA', sample_size = -1)`)
}

function sqlFile(name: string): Promise<string> {
  return readFile(new URL(`flights/${name}`, import.meta.url), 'utf8')
}
