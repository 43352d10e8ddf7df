import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReleaseDefinition, ReleaseView } from '@kappa/applications/records'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { ViewColumn } from '@kappa/applications/view-plan'
import fc from 'fast-check'
import { type CarryRequest, carriedView, planCarry } from '../carrying/carry-plan.ts'
import { windowOf } from '../carrying/window-of.ts'

const minuteMs = 60_000
const at = (text: string) => Date.parse(`${text}Z`)

const source: StreamSource = {
  name: 'clicks',
  topic: 'clicks',
  eventTime: 'at',
  latenessMs: 0,
  earlinessMs: 0,
  importDisorderMaxMs: 0,
  columns: ['at'],
  versions: [],
  readerSchema: '',
}
const columns: ViewColumn[] = [
  { name: 'hour', type: 'timestamp', nullable: true },
  { name: 'n', type: 'bigint', nullable: false },
]

function viewOf(window: string, bound: 'start' | 'end', more: Partial<ReleaseView> = {}) {
  return {
    sql: `SELECT window.${bound} AS hour, count(*) AS n FROM clicks GROUP BY window(at, ${window})`,
    file: 'views/counts.sql',
    key: ['hour'],
    time: 'hour',
    columns,
    outputMode: 'update' as const,
    changelog: { topic: 't', partitions: 1 },
    ...more,
  }
}

function definitionOf(
  views: Record<string, ReleaseView>,
): Pick<ReleaseDefinition, 'views' | 'sources'> {
  return { views, sources: { clicks: source } }
}

/** By default, the live release has the same views and is past the timestamp. */
function request(
  timestampMs: number,
  views: Record<string, ReleaseView>,
  live: Partial<CarryRequest['live']> = {},
): CarryRequest {
  const positions = Object.keys(views).map((name) => [
    name,
    { watermark: timestampMs, complete: true },
  ])
  const definition = definitionOf(views)
  const usual = { release: 7, definition, positions: Object.fromEntries(positions) }
  return { timestampMs, definition, live: { ...usual, ...live } }
}

function reasonsAgainst(asked: CarryRequest): readonly string[] {
  const plan = planCarry(asked)
  assert.ok('refused' in plan, 'it was accepted')
  return plan.refused
}

test('every window is carried or computed from all of its events, and none is both', () => {
  const windows = fc
    .record({
      slide: fc.integer({ min: 1, max: 90 }),
      more: fc.integer({ min: 0, max: 200 }),
      offset: fc.nat({ max: 89 }),
      bound: fc.constantFrom('start' as const, 'end' as const),
      // Before the epoch as well as after it.
      steps: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    })
    .filter(({ slide, offset }) => offset < slide)
  fc.assert(
    fc.property(windows, ({ slide, more, offset, bound, steps }) => {
      const length = slide + more
      const text = `'${length} minutes', '${slide} minutes', '${offset} minutes'`
      const timestampMs = (offset + steps * slide) * minuteMs
      const plan = planCarry(request(timestampMs, { v: viewOf(text, bound) }))
      assert.ok(!('refused' in plan), JSON.stringify(plan))
      const { lastCarriedMs, writeAfter } = plan.views.v ?? assert.fail()
      const [, writtenAfter] = /^`hour` > timestamp_millis\((-?\d+)\)$/.exec(writeAfter) ?? []
      const readFromMs = timestampMs - plan.leadMs
      // All windows whose start or end is near the timestamp, counted out one by one.
      const near = Math.ceil(length / slide) + 2
      for (let step = steps - near; step <= steps + near; step += 1) {
        const startMs = (offset + step * slide) * minuteMs
        const endMs = startMs + length * minuteMs
        const timeMs = bound === 'start' ? startMs : endMs
        const isCarried = timeMs <= lastCarriedMs
        const isWritten = timeMs > Number(writtenAfter)
        assert.equal(isCarried, endMs <= timestampMs)
        assert.equal(isWritten, endMs > timestampMs)
        if (isWritten) assert.ok(startMs >= readFromMs, 'its first event is not read')
      }
    }),
    { numRuns: 500 },
  )
})

test('reading starts early enough for the view with the longest windows', () => {
  const views = {
    hours: viewOf("'1 hour'", 'start'),
    threes: viewOf("'3 hours', '1 hour'", 'end'),
  }
  const plan = planCarry(request(at('2013-01-08T00:00:00'), views))
  assert.ok(!('refused' in plan))
  assert.equal(plan.leadMs, 180 * minuteMs)
  const { hours, threes } = plan.views
  const again = windowOf(views.hours, { clicks: source })
  assert.ok(!('refused' in again))
  assert.deepEqual(carriedView(plan.timestampMs, again), hours, 'a restart finds the same')
  assert.equal(hours?.lastCarriedMs, at('2013-01-07T23:00:00'))
  assert.equal(threes?.lastCarriedMs, at('2013-01-08T00:00:00'))
})

test('a timestamp inside of a window is refused, with those that would do', () => {
  const views = {
    hours: viewOf("'1 hour'", 'start'),
    days: viewOf("'1 day', '1 day', '5 hours'", 'start'),
  }
  const reasons = reasonsAgainst(request(at('2013-01-08T04:30:00'), views))
  assert.equal(reasons.length, 2)
  assert.match(
    reasons[0] ?? '',
    /^View hours .* 2013-01-08T04:00:00.000Z or 2013-01-08T05:00:00.000Z/,
  )
  assert.match(
    reasons[1] ?? '',
    /^View days .* 2013-01-07T05:00:00.000Z or 2013-01-08T05:00:00.000Z/,
  )
  assert.ok(!('refused' in planCarry(request(at('2013-01-08T05:00:00'), views))))
})

test('windows that the live release has not closed are not carried', () => {
  const timestampMs = at('2013-01-08T00:00:00')
  const views = { v: viewOf("'1 hour'", 'start') }
  const reasonsAt = (v: CarryRequest['live']['positions'][string]) =>
    reasonsAgainst(request(timestampMs, views, { positions: { v } }))
  const behind = reasonsAt({ watermark: timestampMs - 90 * minuteMs, complete: true })
  assert.match(behind[0] ?? '', /at 2013-01-07T22:30:00.000Z, 90 minutes before the timestamp/)
  assert.match(reasonsAt(undefined)[0] ?? '', /no watermark in the live release 7/)
  const incomplete = reasonsAt({ watermark: timestampMs, complete: false })
  assert.match(incomplete[0] ?? '', /is incomplete in the live release 7/)
})

test('carried rows must be rows of the same view; every reason is told', () => {
  const timestampMs = at('2013-01-08T00:00:00')
  const old = viewOf("'1 hour'", 'start')
  const [hour, n] = columns as [ViewColumn, ViewColumn]
  const double = { ...n, type: 'double' }
  const refusals: [ReleaseView, RegExp][] = [
    [viewOf("'2 hours'", 'start'), /windows of 2 hours every 2 hours .* has 1 hour every 1 hour/],
    [
      viewOf("'1 hour'", 'end'),
      /told by their end in hour, the live release 7 has .* by their start/,
    ],
    [viewOf("'1 hour'", 'start', { key: ['n', 'hour'] }), /has the key n, hour, .* has hour/],
    [viewOf("'1 hour'", 'start', { columns: [hour, double] }), /n \(bigint there, double here\)/],
    [viewOf("'1 hour'", 'start', { columns: [hour] }), /n \(bigint there, absent here\)/],
    [
      viewOf("'1 hour'", 'start', { columns: [n, hour] }),
      /has the columns n, hour, .* has hour, n/,
    ],
    [{ ...old, sql: 'SELECT hour FROM clicks' }, /no GROUP BY/],
  ]
  const live = { definition: definitionOf({ v: old }) }
  for (const [view, reason] of refusals) {
    const reasons = reasonsAgainst(request(timestampMs, { v: view }, live))
    assert.equal(reasons.length, 1)
    assert.match(reasons[0] ?? '', reason)
  }
  const nullable = viewOf("'1 hour'", 'start', { columns: [hour, { ...n, nullable: true }] })
  assert.ok(!('refused' in planCarry(request(timestampMs, { v: nullable }, live))))

  const views = { v: { ...old, sql: 'SELECT hour FROM clicks' }, added: old }
  const all = reasonsAgainst(request(timestampMs + 1, views, live))
  assert.equal(all.length, 3)
  assert.match(
    all.join('\n'),
    /v has no GROUP BY.*\n.*added is not in the live release 7.*\n.*added has no window/,
  )
  const oldRefused = { definition: definitionOf({ v: { ...old, sql: 'SELECT hour FROM clicks' } }) }
  const [reason] = reasonsAgainst(request(timestampMs, { v: old }, oldRefused))
  assert.match(reason ?? '', /v of the live release 7 has no GROUP BY .* replay from the beginning/)
})
