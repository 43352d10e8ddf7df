-- How late flights of a route arrive, over the three hours that begin at each full hour (UTC):
-- every arrival counts in three windows.
SELECT
  origin,
  destination,
  window.start AS window_start,
  window.end AS window_end,
  count(*) AS arrivals,
  count_if(delay_minutes > 15) AS delayed,
  sum(delay_minutes) AS delay_minutes_sum,
  min(delay_minutes) AS delay_minutes_min,
  max(delay_minutes) AS delay_minutes_max,
  avg(delay_minutes) AS delay_minutes_avg
FROM arrivals
GROUP BY origin, destination, window(arrived_at, '3 hours', '1 hour')
