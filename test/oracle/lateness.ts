import { Database } from './database.ts'

/** An event as it was published, with the time at which ingest accepted it (epoch milliseconds). */
export type LivePublication = {
  readonly topic: string
  readonly event: Readonly<Record<string, unknown>>
  readonly id: string
  readonly event_time_ms: number
  readonly accepted_ms: number
  /** Imports of history are on time by declaration. */
  readonly imported?: boolean
}

export type OnTimeBounds = { readonly lateness_ms: number; readonly earliness_ms: number }

/** Ids of the events, each once, by what becomes of them. */
export type Verdicts = { counted: string[]; late: string[]; early: string[] }

/**
 * Which of the events count: those that are imported or for which
 * accepted - lateness <= event time <= accepted + earliness, each [id, event time] once. One that
 * was published several times counts if any of its publications is on time.
 */
export async function verdicts(
  publications: readonly Omit<LivePublication, 'topic' | 'event'>[],
  bounds: OnTimeBounds,
): Promise<Verdicts> {
  using database = await Database.open()
  await createLateness(
    database,
    publications.map((publication) => ({ topic: '', event: {}, ...publication })),
    bounds,
  )
  const { rows } = await database.query(`
    SELECT id, arg_min(verdict, CASE verdict WHEN 'counted' THEN 0 WHEN 'late' THEN 1 ELSE 2 END)
      AS verdict
    FROM publications GROUP BY id, event_time_ms ORDER BY id, event_time_ms`)
  const ids = (verdict: string) =>
    rows.filter((row) => row.verdict === verdict).map((row) => String(row.id))
  return { counted: ids('counted'), late: ids('late'), early: ids('early') }
}

/**
 * Creates the table `publications` (topic, id, event_time_ms, accepted_ms, event as JSON, verdict
 * `counted`, `late` or `early`).
 */
export async function createLateness(
  database: Database,
  publications: readonly LivePublication[],
  bounds: OnTimeBounds,
): Promise<void> {
  await database.run(`CREATE TABLE input (text VARCHAR)`)
  for (let at = 0; at < publications.length; at += PUBLICATIONS_PER_STATEMENT_MAX) {
    const part = publications.slice(at, at + PUBLICATIONS_PER_STATEMENT_MAX)
    await database.query(`INSERT INTO input VALUES ($1)`, [JSON.stringify(part)])
  }
  await database.run(`
    CREATE TABLE publications AS
    WITH publication AS (
      SELECT unnest(from_json(text, '[{"topic": "VARCHAR", "id": "VARCHAR",
        "event_time_ms": "BIGINT", "accepted_ms": "BIGINT", "imported": "BOOLEAN",
        "event": "JSON"}]'), recursive := true)
      FROM input
    )
    SELECT *, CASE
      WHEN imported THEN 'counted'
      WHEN event_time_ms < accepted_ms - ${integer(bounds.lateness_ms)} THEN 'late'
      WHEN event_time_ms > accepted_ms + ${integer(bounds.earliness_ms)} THEN 'early'
      ELSE 'counted' END AS verdict
    FROM publication`)
}

const PUBLICATIONS_PER_STATEMENT_MAX = 10_000

function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new Error(`${value} is not a number of milliseconds`)
  return String(value)
}
