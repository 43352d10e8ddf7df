import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { flightEvents, SAMPLE_PATH } from '@kappa/flights/sample/events'
import { assertSameRows } from '../oracle/compare.ts'
import { expectedViews, type FlightsOptions, type ViewName } from '../oracle/flights.ts'
import { copyFlights, type FlightsCopy, keepViews } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { type Publication, publishImport } from '../platform/publish.ts'
import { shuffleWithin } from '../platform/shuffle.ts'
import { testStack } from '../stack.ts'
import { Replays } from './replays.ts'
import { importSteadily } from './steady-import.ts'

const seed = Number(process.env.KAPPA_TEST_SEED ?? 20130131)

export interface FlightsCaseOptions {
  readonly namespace: string
  readonly redisDatabase: number
  /** The others are taken away. */
  readonly views: readonly ViewName[]
  /** Flights of the first so many days of January 2013; a day is about 1,700 events. */
  readonly days: number
  readonly environment?: Readonly<Record<string, string>>
  /** The events are published in an order that is off by less than this in event time. */
  readonly disorderMs?: number
  /** Field whose value decides about an event's partition; left out, the aircraft. */
  readonly key?: 'carrier'
}

/** The example application on a platform of its own, with real flights of some days. */
export class FlightsCase {
  readonly platform: Platform
  readonly replays: Replays
  readonly copy: FlightsCopy
  readonly views: readonly ViewName[]
  /** What the oracle reads: the same flights. */
  readonly csvPath: string
  /** In the order in which they are published. */
  readonly events: readonly Publication[]
  #published = 0

  private constructor(
    platform: Platform,
    copy: FlightsCopy,
    views: readonly ViewName[],
    flights: { csvPath: string; events: readonly Publication[] },
  ) {
    this.platform = platform
    this.replays = new Replays(platform)
    this.copy = copy
    this.views = views
    this.csvPath = flights.csvPath
    this.events = flights.events
  }

  /** Resolves when the first release is live; nothing is published yet. */
  static async start(options: FlightsCaseOptions): Promise<FlightsCase> {
    const { namespace, redisDatabase, views, days, environment = {}, disorderMs = 0 } = options
    const folder = join(testStack().stateFolder, `${namespace}-files`)
    const copy = copyFlights(folder, namespace)
    keepViews(copy, views)
    if (options.key) setKey(copy, options.key)
    const csvPath = writeFlights(folder, days)
    const sorted: Publication[] = []
    for await (const publication of flightEvents(csvPath)) sorted.push(publication)
    const events =
      disorderMs === 0 ? sorted : shuffleWithin(sorted, { windowMs: disorderMs, copies: 1, seed })
    const platform = await Platform.start({ namespace, redisDatabase, ...copy, environment })
    try {
      await platform.untilLive('flights')
    } catch (error) {
      await platform.stop()
      throw error
    }
    return new FlightsCase(platform, copy, views, { csvPath, events })
  }

  get published(): number {
    return this.#published
  }

  /** Publishes on, in order, up to this fraction of the events. */
  async publishUpTo(
    fraction: number,
    change: (publication: Publication) => Publication = (publication) => publication,
  ): Promise<void> {
    const end = Math.round(this.events.length * fraction)
    const rest = this.events.slice(this.#published, end).map(change)
    await publishImport(this.platform.ingest.url, rest, { ...this.copy, disorder: '1 hour' })
    this.#published = Math.max(this.#published, end)
  }

  /** Publishes on at a steady rate until it is stopped. */
  publishSteadily(eventsPerSecond: number): { stop(): Promise<void> } {
    const rest = this.events.slice(this.#published)
    const load = importSteadily(() => this.platform.ingest.url, rest, {
      topic: this.copy.topic,
      eventsPerSecond,
      disorder: '1 hour',
    })
    return {
      stop: async () => {
        this.#published += await load.stop()
      },
    }
  }

  untilCurrent(views: readonly string[] = this.views): Promise<void> {
    return this.platform.untilCurrent('flights', views)
  }

  /** Publishes what is left, and holds every row that readers get against the oracle. */
  async assertRows(names: readonly ViewName[] = this.views): Promise<void> {
    await this.publishUpTo(1)
    await this.assertRowsOf(names, { csvPath: this.csvPath })
  }

  /** Holds every row that readers get against the oracle over some of the events. */
  async assertRowsOf(names: readonly ViewName[], options: FlightsOptions): Promise<void> {
    await this.untilCurrent(names)
    for (const expected of await expectedViews(names, options)) {
      assertSameRows(expected.name, expected, await this.platform.allRows('flights', expected.name))
    }
  }

  stop(): Promise<void> {
    return this.platform.stop()
  }
}

function setKey({ schemasFolder }: FlightsCopy, key: string): void {
  for (const topic of readdirSync(schemasFolder)) {
    const file = join(schemasFolder, topic, 'topic.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^key: .*$/m, `key: ${key}`))
  }
}

function writeFlights(folder: string, days: number): string {
  const [header = '', ...lines] = gunzipSync(readFileSync(SAMPLE_PATH)).toString().split('\n')
  const day = header.split(',').indexOf('day')
  const kept = lines.filter((line) => line !== '' && Number(line.split(',')[day]) <= days)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'flights.csv')
  writeFileSync(file, `${[header, ...kept].join('\n')}\n`)
  return file
}
