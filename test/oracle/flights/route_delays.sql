-- A window begins at the full hour of the arrival, or one or two hours before.
SELECT
  origin,
  destination,
  date_trunc('hour', arrived_at) - to_hours(back) AS window_start,
  date_trunc('hour', arrived_at) - to_hours(back) + INTERVAL 3 HOURS AS window_end,
  count(*) AS arrivals,
  count(CASE WHEN delay_minutes > 15 THEN 1 END) AS delayed,
  CAST(sum(delay_minutes) AS BIGINT) AS delay_minutes_sum,
  min(delay_minutes) AS delay_minutes_min,
  max(delay_minutes) AS delay_minutes_max,
  sum(delay_minutes) / count(*) AS delay_minutes_avg
FROM arrivals, range(3) AS hours(back)
GROUP BY ALL
