import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FlightEvent, flightEvents } from '../sample/events.ts'

const HEADER =
  'year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,' +
  'flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour'

/** The events of a file with these lines of flights.csv. */
export async function eventsOfLines(...lines: string[]): Promise<FlightEvent[]> {
  const folder = await mkdtemp(join(tmpdir(), 'flights-'))
  try {
    const path = join(folder, 'flights.csv')
    await writeFile(path, `${[HEADER, ...lines].join('\n')}\n`)
    const events: FlightEvent[] = []
    for await (const event of flightEvents(path)) events.push(event)
    return events
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The event time of an event, as it is published. */
export function eventTime({ event }: FlightEvent): string {
  return 'departed_at' in event ? event.departed_at : event.arrived_at
}
