-- What each airline flew on each day of New York's standard time (UTC-5, all the year), with the
-- seats of the aircraft that left. Aircraft missing from the planes dataset add no seats.
SELECT
  departures.carrier,
  window.start AS day,
  max(airlines.name) AS airline,
  count(*) AS departures,
  count_if(delay_minutes > 15) AS delayed,
  sum(delay_minutes) AS delay_minutes_sum,
  max(delay_minutes) AS delay_minutes_max,
  avg(delay_minutes) AS delay_minutes_avg,
  sum(distance_miles) AS miles,
  count(planes.seats) AS departures_with_seats,
  coalesce(sum(planes.seats), 0) AS seats,
  coalesce(sum(CAST(planes.seats AS BIGINT) * distance_miles), 0) AS seat_miles
FROM departures
LEFT JOIN airlines ON airlines.carrier = departures.carrier
LEFT JOIN planes ON planes.tailnum = departures.tail_number
GROUP BY departures.carrier, window(departed_at, '1 day', '1 day', '5 hours')
