import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectedView } from '../flights.ts'
import { type LivePublication, verdicts } from '../lateness.ts'

const HOUR_MS = 3_600_000
const BOUNDS = { lateness_ms: HOUR_MS, earliness_ms: 300_000 }
const ACCEPTED_MS = Date.parse('2026-03-01T12:00:00Z')

const publication = (id: string, age_ms: number, imported = false) => ({
  id,
  event_time_ms: ACCEPTED_MS - age_ms,
  accepted_ms: ACCEPTED_MS,
  imported,
})

test('events on both sides of lateness and earliness, to the millisecond', async () => {
  assert.deepEqual(
    await verdicts(
      [
        publication('a: as late as allowed', HOUR_MS),
        publication('b: a millisecond later', HOUR_MS + 1),
        publication('c: as early as allowed', -300_000),
        publication('d: a millisecond earlier', -300_001),
        publication('e: imported', 1_000 * HOUR_MS, true),
      ],
      BOUNDS,
    ),
    {
      counted: ['a: as late as allowed', 'c: as early as allowed', 'e: imported'],
      late: ['b: a millisecond later'],
      early: ['d: a millisecond earlier'],
    },
  )
})

test('an event that was published twice counts once, and counts if one of the two was on time', async () => {
  const first = publication('a', 0)
  const again = { ...first, accepted_ms: ACCEPTED_MS + 2 * HOUR_MS }

  assert.deepEqual(await verdicts([again, first, first], BOUNDS), {
    counted: ['a'],
    late: [],
    early: [],
  })
})

test('a view over live events has those that count, each once', async () => {
  const departure = (number: number, age_ms: number): LivePublication => {
    const common = publication(`dep-${number}`, age_ms)
    return {
      ...common,
      topic: 'flights.departures',
      event: {
        event_id: common.id,
        carrier: 'UA',
        flight: number,
        tail_number: null,
        origin: 'EWR',
        destination: 'IAH',
        departed_at: new Date(common.event_time_ms).toISOString(),
        delay_minutes: number,
        distance_miles: 1400,
      },
    }
  }
  const live = [1, 2, 4, 8].map((number) => departure(number, (number - 1) * 20 * 60_000))

  const view = await expectedView('carrier_hours', { live: [...live, ...live], bounds: BOUNDS })

  // 12:00, 11:40 and 11:00 are on time at 12:00; 09:40 is not
  assert.deepEqual(
    view.rows.map((row) => [row.hour, row.departures, row.delay_minutes_sum]).sort(),
    [
      ['2026-03-01T11:00:00.000000Z', 2, 6],
      ['2026-03-01T12:00:00.000000Z', 1, 1],
    ],
  )
})
