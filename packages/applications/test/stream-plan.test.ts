import assert from 'node:assert/strict'
import { test } from 'node:test'
import { narrowDelayMs, planStream, type StreamSource } from '@kappa/applications/stream-plan'
import { throttleCondition } from '@kappa/applications/throttle'
import fc from 'fast-check'

const source: StreamSource = {
  name: 'delays',
  topic: 'delays',
  eventTime: 'at',
  latenessMs: 3_600_000,
  earlinessMs: 300_000,
  importDisorderMaxMs: 0,
  columns: ['at'],
  versions: [{ schemaId: 7, schema: '{}' }],
  readerSchema: '{}',
}

test('the watermark is delayed by lateness, earliness and the time to append, and by the slack', () => {
  assert.equal(narrowDelayMs(source), 3_600_000 + 300_000 + 300_000)
  assert.equal(narrowDelayMs({ ...source, importDisorderMaxMs: 86_400_000 }), 86_700_000)
  const { delay } = planStream(source, { watermarkSlackMs: 1_234 }).watermark
  assert.equal(delay, `${4_200_000 + 1_234} milliseconds`)
})

test('only a throttle adds a condition', () => {
  assert.equal(planStream(source, { watermarkSlackMs: 0 }).throttle, undefined)
  const throttle = { eventsPerSecondMax: 100, concurrentTasks: 2 }
  assert.match(planStream(source, { watermarkSlackMs: 0, throttle }).throttle ?? '', /reflect/)
})

/** The period and the sleep (ms) of the condition. */
function paceOf(eventsPerSecondMax: number, concurrentTasks: number) {
  const condition = throttleCondition({ eventsPerSecondMax, concurrentTasks })
  const [, every, sleepMs] = /pmod\(offset, (\d+)L\).*'sleep', (\d+)L/.exec(condition) ?? []
  return { every: Number(every), sleepMs: Number(sleepMs) }
}

const throttles = fc.record({
  eventsPerSecondMax: fc.integer({ min: 1, max: 1_000_000 }),
  concurrentTasks: fc.integer({ min: 1, max: 64 }),
})

test('tasks that do nothing but sleep pass at most the rate together, and nearly that', () => {
  fc.assert(
    fc.property(throttles, ({ eventsPerSecondMax, concurrentTasks }) => {
      const { every, sleepMs } = paceOf(eventsPerSecondMax, concurrentTasks)
      const rate = (concurrentTasks * every * 1_000) / sleepMs
      assert.ok(rate <= eventsPerSecondMax, `${rate} a second`)
      // A sleep is a whole number of milliseconds, and at least 9 of them.
      assert.ok(rate >= eventsPerSecondMax * 0.89, `${rate} a second`)
      assert.ok(every <= Math.max(1, (eventsPerSecondMax / concurrentTasks) * 0.1))
    }),
  )
})

test('regular gaps between the offsets do not let a task go faster', () => {
  const gaps = fc.record({ period: fc.integer({ min: 1, max: 8 }), first: fc.nat({ max: 7 }) })
  fc.assert(
    fc.property(throttles, gaps, ({ eventsPerSecondMax, concurrentTasks }, { period, first }) => {
      const { every } = paceOf(eventsPerSecondMax, concurrentTasks)
      // Only every period-th offset holds a record: one in `every` of those is slept on.
      if (every > 20_000) return
      const offsets = Array.from({ length: every * 3 }, (_, index) => first + index * period)
      assert.equal(offsets.filter((offset) => offset % every === 0).length, 3)
    }),
  )
})
