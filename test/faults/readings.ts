import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Expected } from '../oracle/compare.ts'
import type { Publication } from '../platform/publish.ts'

export const application = 'readings'
export const view = 'place_windows'

const devices = 10
const windowMs = 10_000
const firstAt = Date.parse('2024-03-01T00:00:00Z')
const everyMs = 500

/** A boundary of windows that the watermark has passed once some thousand events are read. */
export const carriedUpTo = new Date(firstAt + 6 * windowMs).toISOString()

interface Reading {
  readonly reading_id: string
  readonly device: string
  readonly at: string
  readonly amount: number
}

/** A small application with a dataset and a view whose rows can be carried, on its own topic. */
export function writeReadings(folder: string, prefix: string) {
  const topic = (name: string) => `${prefix}.${name}`
  const files = {
    'applications/readings/application.yaml': `application: readings
description: Readings of devices, for runs in which replay is killed.
streams:
  readings: { topic: ${topic('readings')}, lateness: 1 minute }
datasets:
  places: { format: csv, path: datasets/places.csv, schema: 'device STRING, place STRING' }
views:
  place_windows: { key: [place, window_start], time: window_start }
spark: { cores: 1, memory: 1g, shuffle_partitions: 1 }
changelog: { partitions: 2 }
`,
    'applications/readings/datasets/places.csv': `device,place
${Array.from({ length: devices }, (_, device) => `${deviceOf(device)},${placeOf(device)}`).join('\n')}
`,
    'applications/readings/views/place_windows.sql': `SELECT
  place, window.start AS window_start, count(*) AS readings, sum(amount) AS amount_sum
FROM readings JOIN places USING (device)
GROUP BY place, window(at, '10 seconds')
`,
    [`schemas/${topic('readings')}/1.avsc`]: JSON.stringify({
      type: 'record',
      name: 'Reading',
      namespace: 'readings',
      fields: [
        { name: 'reading_id', type: 'string' },
        { name: 'device', type: 'string' },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'amount', type: 'int' },
      ],
    }),
    [`schemas/${topic('readings')}/topic.yaml`]: `key: device
id: reading_id
event_time: at
partitions: 2
import_disorder_max: 1 minute
`,
  }
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return {
    applicationsFolder: join(folder, 'applications'),
    schemasFolder: join(folder, 'schemas'),
    topic,
  }
}

/** Events in order of their event times: two in a second. */
export function readings(count: number): (Publication & { readonly event: Reading })[] {
  return Array.from({ length: count }, (_, number) => ({
    topic: 'readings',
    event: {
      reading_id: `reading-${number}`,
      device: deviceOf(number % devices),
      at: new Date(firstAt + number * everyMs).toISOString(),
      amount: (number * 7919) % 1_000,
    },
  }))
}

/** What the view must hold: folded here, without the platform's code. */
export function expectedRows(events: readonly { readonly event: Reading }[]): Expected {
  const rows = new Map<string, { readings: number; amount_sum: number }>()
  for (const { event } of events) {
    const place = placeOf(Number(event.device.slice(-1)))
    const start = Math.floor(Date.parse(event.at) / windowMs) * windowMs
    const key = JSON.stringify([place, new Date(start).toISOString().replace('Z', '000Z')])
    const { readings: before, amount_sum: sum } = rows.get(key) ?? { readings: 0, amount_sum: 0 }
    rows.set(key, { readings: before + 1, amount_sum: sum + event.amount })
  }
  return {
    key: ['place', 'window_start'],
    doubles: new Set(),
    rows: [...rows].map(([key, row]) => {
      const [place, window_start] = JSON.parse(key) as [string, string]
      return { place, window_start, ...row }
    }),
  }
}

function deviceOf(number: number): string {
  return `device-${number}`
}

function placeOf(device: number): string {
  return `place-${device % 3}`
}
