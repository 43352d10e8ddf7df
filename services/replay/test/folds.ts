import type { LoggedEvent, TestEvent } from './event-log.ts'

/** Rows as the changelog has them: canonical JSON of the row by that of its key. */
export type Rows = Readonly<Record<string, unknown>>

const HOUR_MS = 3_600_000

/** The views of the tests, and what their rows must be, computed without Spark. */
export const views = {
  counts: {
    sql: `SELECT k, window.start AS hour, count(*) AS events, sum(n) AS total
          FROM readings GROUP BY k, window(at, '1 hour')`,
    key: ['k', 'hour'],
    columns: [
      ['k', 'string'],
      ['hour', 'timestamp'],
      ['events', 'bigint'],
      ['total', 'bigint'],
    ],
    fold: (readings: readonly LoggedEvent[]) =>
      rowsOf(
        readings,
        ({ k, at }) => [k, text(at - (at % HOUR_MS))],
        ([k, hour], events) => ({
          k,
          hour,
          events: events.length,
          total: events.reduce((sum, { n }) => sum + n, 0),
        }),
      ),
  },
  latest: {
    sql: `SELECT k, max_by(n, struct(at, _id)) AS n, count(*) AS events FROM readings GROUP BY k`,
    key: ['k'],
    columns: [
      ['k', 'string'],
      ['n', 'bigint'],
      ['events', 'bigint'],
    ],
    fold: (readings: readonly LoggedEvent[]) =>
      rowsOf(
        readings,
        ({ k }) => [k],
        ([k], events) => ({
          k,
          n: events.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).at(-1)?.n,
          events: events.length,
        }),
      ),
  },
  named: {
    sql: `SELECT readings.k AS k, max(names.label) AS label, count(*) AS events
          FROM readings LEFT JOIN names ON names.k = readings.k GROUP BY readings.k`,
    key: ['k'],
    columns: [
      ['k', 'string'],
      ['label', 'string'],
      ['events', 'bigint'],
    ],
    fold: (readings: readonly LoggedEvent[]) =>
      rowsOf(
        readings,
        ({ k }) => [k],
        ([k], events) => ({
          k,
          label: k === 'a' ? 'Anna' : null,
          events: events.length,
        }),
      ),
  },
  pairs: {
    // The stream that is read second comes first in the alphabet.
    sql: `SELECT readings._id AS reading, alarms._id AS alarm, readings.k AS k
          FROM readings JOIN alarms ON alarms.k = readings.k
            AND alarms.at >= readings.at AND alarms.at <= readings.at + INTERVAL 2 MINUTES`,
    key: ['reading', 'alarm'],
    columns: [
      ['reading', 'string'],
      ['alarm', 'string'],
      ['k', 'string'],
    ],
    fold: (readings: readonly LoggedEvent[], alarms: readonly LoggedEvent[]) =>
      pairsOf(readings, alarms, (reading, alarm) =>
        alarm.at >= reading.at && alarm.at <= reading.at + 120_000
          ? [[reading.id, alarm.id], { reading: reading.id, alarm: alarm.id, k: reading.k }]
          : undefined,
      ),
  },
  neighbours: {
    sql: `SELECT one._id AS one, other._id AS other
          FROM readings AS one JOIN readings AS other ON other.k = one.k
            AND other.at > one.at AND other.at <= one.at + INTERVAL 1 MINUTE`,
    key: ['one', 'other'],
    columns: [
      ['one', 'string'],
      ['other', 'string'],
    ],
    fold: (readings: readonly LoggedEvent[]) =>
      pairsOf(readings, readings, (one, other) =>
        other.at > one.at && other.at <= one.at + 60_000
          ? [[one.id, other.id], { one: one.id, other: other.id }]
          : undefined,
      ),
  },
} as const

export type ViewName = keyof typeof views

function rowsOf(
  events: readonly LoggedEvent[],
  keyOf: (event: TestEvent) => string[],
  row: (key: string[], events: readonly LoggedEvent[]) => object,
): Rows {
  const groups = Object.groupBy(events, (event) => JSON.stringify(keyOf(event)))
  return Object.fromEntries(
    Object.entries(groups).map(([key, group]) => [key, row(JSON.parse(key), group ?? [])]),
  )
}

function pairsOf(
  left: readonly LoggedEvent[],
  right: readonly LoggedEvent[],
  match: (one: LoggedEvent, other: LoggedEvent) => [string[], object] | undefined,
): Rows {
  const byKey = Map.groupBy(right, ({ k }) => k)
  const rows = left.flatMap((one) =>
    (byKey.get(one.k) ?? []).flatMap((other) => {
      const found = match(one, other)
      return found ? [[JSON.stringify(found[0]), found[1]] as const] : []
    }),
  )
  return Object.fromEntries(rows)
}

/** The form of timestamps in rows. */
function text(at: number): string {
  return new Date(at).toISOString().replace('Z', '000Z')
}
