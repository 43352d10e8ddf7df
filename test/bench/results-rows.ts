import type { Kafka } from '@kappa/kafka/port'
import { FakeApplication } from '@kappa/results/test/fixture'
import { step } from '../../infra/setup/progress.mjs'

const CHUNK_ROWS = 10_000
const CARRIERS = 200

const columns = [
  { name: 'carrier', type: 'string', nullable: false },
  { name: 'hour', type: 'timestamp', nullable: false },
  { name: 'departures', type: 'bigint', nullable: false },
  { name: 'delayed', type: 'bigint', nullable: false },
  { name: 'delay_minutes_sum', type: 'bigint', nullable: false },
  { name: 'delay_minutes_avg', type: 'double', nullable: false },
]
const keyed = { key: ['carrier', 'hour'], columns }
/** A view with the index of its keys alone, and one with two more. */
export const views = { keyed, ranked: { ...keyed, time: 'hour', ranked: ['departures'] } }
export type ViewName = keyof typeof views

export function row(number: number) {
  const hour = new Date(Date.UTC(2010, 0, 1, Math.floor(number / CARRIERS))).toISOString()
  return {
    carrier: `C${number % CARRIERS}`,
    hour: `${hour.slice(0, 19)}.000000Z`,
    departures: (number * 7_919) % 100_003,
    delayed: number % 50,
    delay_minutes_sum: (number * 31) % 5_000,
    delay_minutes_avg: ((number * 17) % 1_000) / 7,
  }
}

export function entry(number: number, batch: number) {
  const written = row(number)
  return { key: [written.carrier, written.hour], batch, row: written }
}

/** Writes the changelog of a view as Spark would, and makes it live. */
export function writeRows(
  kafka: Kafka,
  view: ViewName,
  partitions: number,
  count: number,
): Promise<FakeApplication> {
  return step(`Writing ${count} rows of ${view} in ${partitions} partitions`, async () => {
    const application = new FakeApplication(kafka, { [view]: views[view] }, partitions)
    await application.publish()
    for (let from = 0; from < count; from += CHUNK_ROWS) {
      const length = Math.min(CHUNK_ROWS, count - from)
      const entries = Array.from({ length }, (_, index) => entry(from + index, 1))
      await application.append(view, entries)
    }
    await application.position(view, 1)
    return application
  })
}
