-- carrier_hours with each flight in the hour for which it was scheduled.
SELECT
  carrier,
  date_trunc('hour', scheduled_at) AS hour,
  count(*) AS departures,
  count(CASE WHEN delay_minutes > 15 THEN 1 END) AS delayed,
  CAST(sum(delay_minutes) AS BIGINT) AS delay_minutes_sum,
  min(delay_minutes) AS delay_minutes_min,
  max(delay_minutes) AS delay_minutes_max,
  sum(delay_minutes) / count(*) AS delay_minutes_avg
FROM departures
GROUP BY ALL
