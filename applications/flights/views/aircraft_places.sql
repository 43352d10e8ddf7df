-- Where each aircraft was seen last: at its origin when it left, at its destination when it landed.
-- Ordered by time and then by event id, so that two events of one minute have one answer.
WITH sightings AS (
  SELECT tail_number, departed_at AS seen_at, _id, 'departed' AS movement, origin AS airport,
    carrier, flight
  FROM departures
  UNION ALL
  SELECT tail_number, arrived_at AS seen_at, _id, 'arrived' AS movement, destination AS airport,
    carrier, flight
  FROM arrivals
), latest AS (
  SELECT
    tail_number,
    max_by(
      struct(movement, airport, airports.name AS airport_name, lat, lon, carrier, flight, seen_at),
      struct(seen_at, _id)
    ) AS last,
    count(*) AS sightings
  FROM sightings
  LEFT JOIN airports ON airports.faa = sightings.airport
  WHERE tail_number IS NOT NULL
  GROUP BY tail_number
)
SELECT
  tail_number,
  last.movement,
  last.airport,
  last.airport_name,
  last.lat,
  last.lon,
  last.carrier,
  last.flight,
  last.seen_at,
  sightings
FROM latest
