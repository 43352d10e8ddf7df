/// <reference lib="esnext.temporal" />
import type { Flight } from './flights.ts'

/** All three origins (EWR, JFK, LGA) are on New York's clock. */
const ORIGIN_TIME_ZONE = 'America/New_York'

/**
 * When a flight left, as epoch milliseconds; null if it was cancelled.
 *
 * The data has the day of the scheduled departure only, and the actual one may be after midnight or,
 * for an early one, before it. So it is the scheduled instant plus the delay in elapsed minutes,
 * which shows dep_time on New York's clock for each of the 328,521 departures of 2013.
 */
export function departureOf(flight: Flight): { scheduledAt: number; departedAt: number } | null {
  if (flight.departureDelay === null) return null
  const scheduled = Temporal.PlainDate.from(flight.date).toZonedDateTime({
    timeZone: ORIGIN_TIME_ZONE,
    plainTime: timeOfDay(flight.scheduledDeparture),
  })
  const scheduledAt = scheduled.epochMilliseconds
  return { scheduledAt, departedAt: scheduledAt + flight.departureDelay * 60_000 }
}

/**
 * When a flight landed, as epoch milliseconds; null if it was cancelled or diverted.
 *
 * The data has the time of day only, on the destination's clock. So it is the first instant after
 * the departure at which that clock shows arr_time: no flight takes a day, and every one comes out
 * longer than its air time. The scheduled arrival is that instant less the delay. A diverted flight
 * has no arr_delay, even where it has an arr_time because it went on to its destination later:
 * nothing says on which day that was, so it has no arrival.
 *
 * @param departedAt epoch milliseconds
 * @param timeZone IANA time zone of the destination
 */
export function arrivalOf(
  flight: Flight,
  departedAt: number,
  timeZone: string,
): { scheduledAt: number; arrivedAt: number } | null {
  if (flight.arrivalTime === null || flight.arrivalDelay === null) return null
  const departed = Temporal.Instant.fromEpochMilliseconds(departedAt).toZonedDateTimeISO(timeZone)
  const plainTime = timeOfDay(flight.arrivalTime)
  const date = departed.toPlainDate()
  const today = date.toZonedDateTime({ timeZone, plainTime }).epochMilliseconds
  const arrivedAt =
    today > departedAt
      ? today
      : date.add({ days: 1 }).toZonedDateTime({ timeZone, plainTime }).epochMilliseconds
  return { scheduledAt: arrivedAt - flight.arrivalDelay * 60_000, arrivedAt }
}

function timeOfDay(minutes: number): Temporal.PlainTime {
  return new Temporal.PlainTime(Math.floor(minutes / 60), minutes % 60)
}
