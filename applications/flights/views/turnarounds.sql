-- How long after landing away from New York an aircraft leaves New York again: each landing paired
-- with each departure of the same aircraft in the twelve hours after it (the flight back is not in
-- the data, so the two airports differ).
SELECT
  arrivals.event_id AS arrival_id,
  departures.event_id AS departure_id,
  arrivals.tail_number,
  arrivals.destination AS landed_at_airport,
  departures.origin AS left_from_airport,
  arrivals.arrived_at,
  departures.departed_at,
  timestampdiff(MINUTE, arrivals.arrived_at, departures.departed_at) AS minutes_between
FROM arrivals
JOIN departures
  ON departures.tail_number = arrivals.tail_number
  AND departures.departed_at >= arrivals.arrived_at
  AND departures.departed_at <= arrivals.arrived_at + INTERVAL 12 HOURS
