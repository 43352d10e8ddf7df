import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationDefinition } from '@kappa/applications/definition'
import type { PositionRecord } from '@kappa/applications/records'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { planState } from '../replays/plan-state.ts'
import { chooseStateStore, eventsPerBatchOnHeap } from '../spark/state-store.ts'

test('state is kept in memory where it fits several times, and in RocksDB where nobody knows', () => {
  const size = { memory: '1g' }
  const rows = (live: number, catchUp = live) => ({ live, catchUp })
  assert.equal(chooseStateStore(size, 1, rows(0)), 'memory')
  assert.equal(chooseStateStore(size, 1, rows(50_000)), 'memory')
  assert.equal(chooseStateStore(size, 1, rows(50_000, 400_000)), 'memory')
  assert.equal(chooseStateStore(size, 1, rows(50_000, 1_000_000)), 'rocksdb')
  assert.equal(chooseStateStore(size, 1, rows(100_000)), 'rocksdb')
  assert.equal(chooseStateStore({ memory: '16g' }, 1, rows(500_000)), 'memory')
  assert.equal(chooseStateStore({ memory: '2g', executors: 8 }, 1, rows(500_000)), 'memory')
  assert.equal(chooseStateStore(size, 1, undefined), 'rocksdb')
})

test('batches of many views on a small heap would be too small to be worth it', () => {
  assert.ok(eventsPerBatchOnHeap({ memory: '1g' }, 1) > 300_000)
  assert.equal(chooseStateStore({ memory: '512m' }, 1, { live: 0, catchUp: 0 }), 'memory')
  assert.equal(chooseStateStore({ memory: '512m' }, 8, { live: 0, catchUp: 0 }), 'rocksdb')
})

test('a plan goes by what the live release holds, and by how far partitions are apart in time', () => {
  const hour = 3_600_000
  const topic = { topic: 'clicks', streams: ['clicks'], events: 1, missing_events: 0 }
  const plan = (views: readonly string[], stateRows: number | undefined, slackMs: number) =>
    planState(
      partsWith(stateRows),
      { application: 'shop', release: 1, definition: { views: { counts: {} } } } as never,
      {
        streams: { clicks: { topic: 'clicks', latenessMs: hour } },
        views: Object.fromEntries(views.map((view) => [view, {}])),
        spark: { cores: 2, memory: '1g', shufflePartitions: 2 },
      } as unknown as ApplicationDefinition,
      [{ ...topic, slack_ms: slackMs }],
    )
  assert.deepEqual(plan(['counts'], 10_000, 0), { state_rows: 10_000, state_store: 'memory' })
  assert.equal(plan(['counts'], 10_000, 99 * hour).state_store, 'rocksdb')
  assert.equal(plan(['counts', 'totals'], 10_000, 0).state_store, 'rocksdb')
  assert.deepEqual(plan(['counts'], undefined, 0), { state_rows: null, state_store: 'rocksdb' })
})

function partsWith(stateRows: number | undefined): Pick<ReleaseParts, 'control'> {
  const record = { state_rows: stateRows } as unknown as PositionRecord
  const positions = new Map([['shop/1/counts', record]])
  return { control: { positions } } as unknown as Pick<ReleaseParts, 'control'>
}
