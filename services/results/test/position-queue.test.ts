import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PositionRecord } from '@kappa/applications/records'
import fc from 'fast-check'
import { PositionQueue } from '../control/position-queue.ts'

function position(batch: number, end: number, more: Partial<PositionRecord> = {}): PositionRecord {
  return {
    application: 'a',
    release: 1,
    view: 'v',
    batch,
    epoch: 1,
    sources: { events: { '0': String(batch) } },
    changelog: { '0': String(end) },
    as_of: null,
    current_at: batch,
    complete: true,
    late_events: 0,
    undecodable_events: 0,
    counts_exact: true,
    ...more,
  }
}

test('P6: no position is declared before its changelog is applied, and none goes backwards', () => {
  const step = fc.oneof(
    fc.record({ publish: fc.nat({ max: 3 }) }),
    fc.record({ apply: fc.nat({ max: 5 }) }),
  )
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200 }),
      fc.integer({ min: 2, max: 8 }),
      (steps, max) => {
        const queue = new PositionQueue(max)
        let applied = 0
        let end = 0
        let batch = 0
        let before = -1
        for (const action of steps) {
          if ('publish' in action) {
            end += action.publish
            batch += 1
            queue.add(position(batch, end))
          } else applied = Math.min(end, applied + action.apply)
          const declared = queue.declare(() => BigInt(applied))?.record
          assert.ok(queue.pending <= max)
          if (!declared) continue
          assert.ok(BigInt(declared.changelog['0'] ?? 0) <= BigInt(applied), 'ahead of the rows')
          assert.ok(declared.batch >= before, 'backwards')
          before = declared.batch
        }
        const last = queue.declare(() => BigInt(end))?.record
        assert.equal(
          last?.batch,
          batch === 0 ? undefined : batch,
          'the newest is reached in the end',
        )
      },
    ),
  )
})

test('a heartbeat makes the declared position younger without waiting for anything', () => {
  const queue = new PositionQueue(4)
  queue.add(position(1, 10))
  assert.equal(queue.declare(() => 10n)?.record.current_at, 1)
  queue.add(position(1, 10, { current_at: 99 }))
  assert.equal(queue.declare(() => 10n)?.record.current_at, 99)
})

test('a position of a former writer is refused', () => {
  const queue = new PositionQueue(4)
  queue.add(position(5, 10, { epoch: 2 }))
  assert.equal(queue.add(position(6, 11, { epoch: 1 })), false)
  assert.equal(queue.add(position(4, 9, { epoch: 2 })), false)
  assert.equal(queue.declare(() => 100n)?.record.batch, 5)
})
