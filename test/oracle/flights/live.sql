-- Tables `departures` and `arrivals` from live events: those that count, each [id, event time] once.
CREATE TABLE counted AS
SELECT topic, id, event_time_ms, any_value(event) AS event
FROM publications
WHERE verdict = 'counted'
GROUP BY topic, id, event_time_ms;

CREATE TABLE departures AS
SELECT
  id AS event_id,
  event ->> 'carrier' AS carrier,
  CAST(event ->> 'flight' AS INTEGER) AS flight,
  event ->> 'tail_number' AS tail_number,
  event ->> 'origin' AS origin,
  event ->> 'destination' AS destination,
  make_timestamp(event_time_ms * 1000) AS departed_at,
  CAST(event ->> 'delay_minutes' AS INTEGER) AS delay_minutes,
  CAST(event ->> 'distance_miles' AS INTEGER) AS distance_miles
FROM counted
WHERE topic = 'flights.departures';

CREATE TABLE arrivals AS
SELECT
  id AS event_id,
  event ->> 'carrier' AS carrier,
  CAST(event ->> 'flight' AS INTEGER) AS flight,
  event ->> 'tail_number' AS tail_number,
  event ->> 'origin' AS origin,
  event ->> 'destination' AS destination,
  make_timestamp(event_time_ms * 1000) AS arrived_at,
  CAST(event ->> 'delay_minutes' AS INTEGER) AS delay_minutes,
  CAST(event ->> 'distance_miles' AS INTEGER) AS distance_miles
FROM counted
WHERE topic = 'flights.arrivals';
