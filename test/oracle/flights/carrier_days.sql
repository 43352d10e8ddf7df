-- A day of New York's standard time is from 05:00 to 05:00 UTC.
SELECT
  departures.carrier,
  date_trunc('day', departed_at - INTERVAL 5 HOURS) + INTERVAL 5 HOURS AS day,
  airlines.name AS airline,
  count(*) AS departures,
  count(CASE WHEN delay_minutes > 15 THEN 1 END) AS delayed,
  CAST(sum(delay_minutes) AS BIGINT) AS delay_minutes_sum,
  max(delay_minutes) AS delay_minutes_max,
  sum(delay_minutes) / count(*) AS delay_minutes_avg,
  CAST(sum(distance_miles) AS BIGINT) AS miles,
  count(planes.seats) AS departures_with_seats,
  CAST(sum(coalesce(planes.seats, 0)) AS BIGINT) AS seats,
  CAST(sum(coalesce(planes.seats, 0) * distance_miles) AS BIGINT) AS seat_miles
FROM departures
LEFT JOIN airlines_csv() AS airlines USING (carrier)
LEFT JOIN planes_csv() AS planes ON planes.tailnum = tail_number
GROUP BY ALL
