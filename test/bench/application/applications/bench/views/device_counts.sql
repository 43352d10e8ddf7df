-- Events and their values by device, over ten seconds.
SELECT
  device,
  window.start AS window_start,
  count(*) AS events,
  sum(value) AS value_sum,
  max(value) AS value_max
FROM events
GROUP BY device, window(at, '10 seconds')
