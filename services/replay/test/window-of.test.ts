import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadApplication } from '@kappa/applications/load'
import { windowOf } from '../carrying/window-of.ts'
import { parseSparkDuration } from '../spark/spark-duration.ts'

const hourMs = 3_600_000
const sources = { clicks: { eventTime: 'at' }, sales: { eventTime: 'sold_at' } }

const windowIn = (sql: string, key = ['shop', 'hour'], time = 'hour') =>
  windowOf({ sql, key, time }, sources)

const grouped = (window: string, from = 'clicks', column = 'window.start AS hour') =>
  windowIn(`SELECT shop, ${column}, count(*) AS n FROM ${from} GROUP BY shop, ${window}`)

const hourly = {
  windowMs: hourMs,
  slideMs: hourMs,
  offsetMs: 0,
  timeColumn: 'hour',
  bound: 'start',
}

test('the windows of the example application are found', async () => {
  const folder = join(import.meta.dirname, '../../../applications')
  const { views, streams } = await loadApplication(folder, 'flights')
  assert.deepEqual(Object.keys(streams).sort(), ['arrivals', 'departures'])
  const flights = {
    departures: { eventTime: 'departed_at' },
    arrivals: { eventTime: 'arrived_at' },
  }
  const found = Object.entries(views).map(([name, view]) => [name, windowOf(view, flights)])
  const dayMs = 24 * hourMs
  const { carrier_hours, route_delays, carrier_days, aircraft_places, turnarounds } =
    Object.fromEntries(found)
  assert.deepEqual(carrier_hours, hourly)
  assert.deepEqual(route_delays, {
    windowMs: 3 * hourMs,
    slideMs: hourMs,
    offsetMs: 0,
    timeColumn: 'window_start',
    bound: 'start',
  })
  assert.deepEqual(carrier_days, {
    windowMs: dayMs,
    slideMs: dayMs,
    offsetMs: 5 * hourMs,
    timeColumn: 'day',
    bound: 'start',
  })
  assert.match(aircraft_places.refused, /no window in its key/)
  assert.match(turnarounds.refused, /no window in its key/)
})

test('every way to write one window over one stream is read', () => {
  const same: [string, string?, string?][] = [
    ["window(at, '1 hour')"],
    ['WINDOW ( At , "1 HOUR" )'],
    ["window(clicks.at, 'interval 60 minutes')"],
    ["`window`(`clicks`.`at`, '1 hour', '1 hour', '0 seconds')"],
    ["window(c.at, '1 hour')", 'clicks AS c'],
    ["window(c.at, '1 hour')", 'Clicks c WHERE c.n > 1'],
    ["window(at, '1 hour')", '`clicks`', 'window.start hour'],
    ["window(at, '1 hour')", 'clicks', '`window`.`start` AS `hour`'],
    ["window(at, '1 hour') -- FROM sales"],
    ["window(at, '1 hour')", 'shops JOIN clicks ON clicks.shop = shops.id'],
    ["window(at, '1 hour')", 'shops, clicks'],
    [
      "window(at, '1 hour')",
      'clicks JOIN (SELECT id FROM shops UNION SELECT id FROM old) USING (id)',
    ],
    ["window(at, '1 hour')", 'clicks', 'window.start AS hour, count(*) AS sales'],
    ["window(at, '1 hour')", 'clicks', 'window.start AS hour, window.end AS until'],
  ]
  for (const [window, from, column] of same) {
    assert.deepEqual(grouped(window, from, column), hourly, window)
  }
  const byEnd = grouped("window(at, '1 hour')", 'clicks', 'window.end AS hour')
  assert.deepEqual(byEnd, { ...hourly, bound: 'end' })
  const sliding = grouped("window(at, '1 hour 30 minutes', '30 minutes', '10 minutes')")
  const minuteMs = 60_000
  assert.deepEqual(sliding, {
    ...hourly,
    windowMs: 90 * minuteMs,
    slideMs: 30 * minuteMs,
    offsetMs: 10 * minuteMs,
  })
  const bare = "SELECT start, window.start FROM clicks GROUP BY window(at, '1 hour')"
  assert.deepEqual(windowIn(bare, ['start'], 'start'), { ...hourly, timeColumn: 'start' })
  const cte = `WITH big AS (SELECT id FROM shops) SELECT window.start AS hour FROM clicks
    JOIN big USING (id) GROUP BY window(at, '1 hour')`
  assert.deepEqual(windowIn(cte), hourly)
})

test('what is not one window over one stream is refused, with the reason', () => {
  const window = "window(at, '1 hour')"
  const select = 'SELECT window.start AS hour, count(*) AS n'
  const group = `GROUP BY ${window}`
  const refusals: [string, RegExp][] = [
    [
      `${select} FROM clicks JOIN sales USING (id) ${group}`,
      /names streams 2 times \(clicks, sales\)/,
    ],
    [`${select} FROM clicks a JOIN clicks b USING (id) ${group}`, /names streams 2 times/],
    [`${select} FROM clicks a, clicks b ${group}`, /names streams 2 times/],
    [`${select} FROM clicks WHERE id IN (SELECT id FROM sales) ${group}`, /names streams 2 times/],
    [`${select} FROM clicks JOIN IDENTIFIER('sales') USING (id) ${group}`, /identifier/],
    [`${select} FROM shops ${group}`, /reads no stream/],
    [
      `WITH c AS (SELECT * FROM clicks) ${select} FROM c JOIN c d USING (id) ${group}`,
      /outermost FROM/,
    ],
    [`${select} FROM (SELECT at + INTERVAL 1 DAY AS at FROM clicks) ${group}`, /outermost FROM/],
    [
      `WITH clicks AS (SELECT * FROM shops) ${select} FROM clicks ${group}`,
      /names streams 2 times/,
    ],
    [`${select} FROM clicks ${group} UNION ALL ${select} FROM sales ${group}`, /UNION/],
    [`(${select} FROM clicks ${group})`, /not one SELECT/],
    [`${select} FROM clicks |> WHERE at > 0 ${group}`, /pipe syntax/],
    [`${select} FROM clicks GROUP BY ROLLUP(shop), ${window}`, /ROLLUP/],
    [`${select} FROM clicks ${group} WITH CUBE`, /CUBE/],
    [`${select} FROM clicks GROUP BY shop, ${window} GROUPING SETS ((shop))`, /GROUPING/],
    [`${select} FROM clicks ${group} LIMIT 5`, /LIMIT/],
    [`SELECT window.start AS hour, sum(n) OVER (ORDER BY n) FROM clicks ${group}`, /OVER/],
    [`SELECT date_trunc('hour', at) AS hour FROM clicks`, /no GROUP BY/],
    [`SELECT at AS hour, count(*) FROM clicks GROUP BY at`, /calls window\(…\) 0 times/],
    [`SELECT ${window}.start AS hour FROM clicks ${group}`, /calls window\(…\) 2 times/],
    [`SELECT ${window}.start AS hour FROM clicks GROUP BY ALL`, /in the GROUP BY/],
    [`${select} FROM clicks GROUP BY struct(${window})`, /in the GROUP BY/],
    [`${select} FROM clicks GROUP BY session_window(at, '1 hour')`, /session_window/],
    [`${select} FROM clicks JOIN shops window USING (id) ${group}`, /other than its window/],
    [`${select} FROM clicks GROUP BY window(accepted_at, '1 hour')`, /event time of its stream/],
    [`${select} FROM clicks GROUP BY window(CAST(at AS TIMESTAMP), '1 hour')`, /event time/],
    [
      `${select} FROM clicks JOIN shops USING (id) GROUP BY window(shops.at, '1 hour')`,
      /event time/,
    ],
    [`${select} FROM clicks GROUP BY window(at, INTERVAL 1 HOUR)`, /cannot be read/],
    [`${select} FROM clicks GROUP BY window(at)`, /cannot be read/],
    [
      `${select} FROM clicks GROUP BY window(at, '1 hour', '1 hour', '0 hours', '1 hour')`,
      /cannot/,
    ],
    [`${select} FROM clicks GROUP BY window(at, '1 month')`, /cannot be read/],
    [`${select} FROM clicks GROUP BY window(at, '1 hour', '2 hours')`, /Spark refuses/],
    [`${select} FROM clicks GROUP BY window(at, '0 hours')`, /Spark refuses/],
    [`${select} FROM clicks GROUP BY window(at, '1 hour', '1 hour', '1 hour')`, /Spark refuses/],
    [`SELECT window.start + INTERVAL 1 HOUR AS hour FROM clicks ${group}`, /window.start AS hour/],
    [`SELECT at AS hour, window.start AS begin FROM clicks ${group}`, /window.start AS hour/],
    [`SELECT window.* FROM clicks ${group}`, /window.start AS hour/],
  ]
  for (const [sql, reason] of refusals) {
    const found = windowIn(sql)
    assert.match('refused' in found ? found.refused : `accepted ${sql}`, reason, sql)
  }
  const sql = `${select} FROM clicks ${group}`
  for (const view of [
    { sql, key: ['shop'], time: 'hour' },
    { sql, key: ['hour'] },
  ]) {
    const found = windowOf(view, sources)
    assert.match('refused' in found ? found.refused : 'accepted', /no window in its key/)
  }
})

test('durations that are not read the same way for sure are not read', () => {
  const unread = ['', 'hour', '1', '1hour', '-1 hour', '1.5 hours', '1 hour 2 hours', '1 month']
  const fine = ['1 microsecond', "'1' hour", 'interval', '1 hour, 2 minutes', '9999999999999 weeks']
  for (const text of [...unread, ...fine]) assert.equal(parseSparkDuration(text), undefined, text)
})
