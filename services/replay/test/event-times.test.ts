import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventTimeBounds } from '@kappa/applications/event-time-bounds'
import { appendDelayMaxMs } from '@kappa/applications/stream-plan'
import { newestUpTo, oldestFrom } from '../log/event-times.ts'
import { streamSource } from './random-logs.ts'

const source = streamSource({ latenessMs: 700, earlinessMs: 30, importDisorderMaxMs: 90 })

function boundsOf(headers: Readonly<Record<string, string>>) {
  const entries = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  return eventTimeBounds({ timestamp: 5_000, headers: Object.fromEntries(entries) }, source)
}

test('the mark of an import tells the event time up to its disorder, and of what comes after up to the most', () => {
  const bounds = boundsOf({ 'kappa-import': '9000;1000;40' })
  assert.deepEqual(bounds, { imported: true, acceptedMs: 9_000, lowestMs: 960, highestMs: 1_000 })
  assert.equal(newestUpTo(bounds), 1_000)
  assert.equal(oldestFrom(bounds, source, false), 910)
  // Live events after it may be older than the history, if the stream takes them that late.
  const veryLate = { ...source, latenessMs: appendDelayMaxMs * 2 }
  assert.equal(oldestFrom(bounds, veryLate, true), 9_000 - 3 * appendDelayMaxMs)
})

test('an import may have declared more disorder than its topic allows now', () => {
  const bounds = boundsOf({ 'kappa-import': '9000;1000;400' })
  assert.equal(oldestFrom(bounds, source, false), 600)
})

test('a live event is at most as late and as early as the stream takes it, and lies minutes out of order', () => {
  const bounds = boundsOf({ 'kappa-accepted': '4000' })
  assert.deepEqual(bounds, {
    imported: false,
    acceptedMs: 4_000,
    lowestMs: 3_300,
    highestMs: 4_030,
  })
  assert.equal(newestUpTo(bounds), 4_030 + appendDelayMaxMs)
  assert.equal(oldestFrom(bounds, source, true), 3_300 - appendDelayMaxMs)
})

test('without an accept time that can be read it is the time of the record', () => {
  for (const headers of [{}, { 'kappa-accepted': 'noon' }, { 'kappa-import': '1;2' }]) {
    assert.deepEqual(boundsOf(headers), {
      imported: false,
      acceptedMs: 5_000,
      lowestMs: 4_300,
      highestMs: 5_030,
    })
  }
})
