SELECT
  arrivals.event_id AS arrival_id,
  departures.event_id AS departure_id,
  tail_number,
  arrivals.destination AS landed_at_airport,
  departures.origin AS left_from_airport,
  arrived_at,
  departed_at,
  CAST((epoch(departed_at) - epoch(arrived_at)) / 60 AS BIGINT) AS minutes_between
FROM arrivals
JOIN departures USING (tail_number)
WHERE epoch(departed_at) - epoch(arrived_at) BETWEEN 0 AND 12 * 60 * 60
