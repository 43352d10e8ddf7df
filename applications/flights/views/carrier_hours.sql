-- Departures and their delays by airline and hour (UTC).
SELECT
  carrier,
  window.start AS hour,
  count(*) AS departures,
  count_if(delay_minutes > 15) AS delayed,
  sum(delay_minutes) AS delay_minutes_sum,
  min(delay_minutes) AS delay_minutes_min,
  max(delay_minutes) AS delay_minutes_max,
  avg(delay_minutes) AS delay_minutes_avg
FROM departures
GROUP BY carrier, window(departed_at, '1 hour')
