WITH sightings AS (
  SELECT tail_number, departed_at AS seen_at, event_id, 'departed' AS movement, origin AS airport,
    carrier, flight
  FROM departures
  UNION ALL
  SELECT tail_number, arrived_at, event_id, 'arrived', destination, carrier, flight
  FROM arrivals
), ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY tail_number ORDER BY seen_at DESC, event_id DESC) AS rank,
    count(*) OVER (PARTITION BY tail_number) AS sightings
  FROM sightings
  WHERE tail_number IS NOT NULL
)
SELECT tail_number, movement, airport, name AS airport_name, lat, lon, carrier, flight, seen_at,
  sightings
FROM ranked
LEFT JOIN airports_csv() ON faa = airport
WHERE rank = 1
