import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exceededBound } from '../bodies/json-bounds.ts'

/** Large enough to be looked at: the rest is white space. */
const padded = (json: string) => Buffer.from(json + ' '.repeat(1_100_000))
const codeOf = (json: string, eventsMax?: number) => exceededBound(padded(json), eventsMax)?.code
const items = (count: number, item = '0') => Array(count).fill(item).join(',')
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

test('nesting is bounded, siblings are not nesting', () => {
  assert.equal(codeOf(nested(256)), undefined)
  assert.equal(codeOf(nested(257)), 'malformed_json')
  assert.equal(codeOf(`{"a":${'{"a":'.repeat(256)}1`), 'malformed_json')
  assert.equal(codeOf(`[${items(1_000, '[[]]')}]`), undefined)
})

test('items of an object or array are bounded as those of an event, events by their own bound', () => {
  assert.equal(codeOf(`{"a":[${items(100_000)}]}`), undefined)
  assert.equal(codeOf(`{"a":[${items(100_001)}]}`), 'event_too_large')
  assert.equal(codeOf(`{${items(100_001, '"a":1')}}`), 'event_too_large')
  assert.equal(codeOf(` [${items(2_000, '{"a":[1,2]}')}]`, 2_000), undefined)
  assert.equal(codeOf(` [${items(2_001, '{"a":[1,2]}')}]`, 2_000), 'batch_too_large')
  // Of an array in an event that is not one of many, and of each event by itself.
  assert.equal(codeOf(`[${items(150_000)}]`, 200_000), undefined)
  assert.equal(codeOf(`[${items(150_000)}]`), 'event_too_large')
  assert.equal(codeOf(`[[${items(60_000)}],[${items(60_000)}]]`, 10), undefined)
})

test('what stands in texts does not count, however they are escaped', () => {
  assert.equal(codeOf(`{"a":"${'['.repeat(1_000)}${','.repeat(200_000)}"}`), undefined)
  assert.equal(codeOf(`{"a":"\\"${'['.repeat(1_000)}"}`), undefined)
  assert.equal(codeOf(`{"a":"\\\\","b":${nested(257)}}`), 'malformed_json')
})

test('small texts and broken ones are left to the parser', () => {
  assert.equal(exceededBound(Buffer.from(nested(10_000))), undefined)
  assert.equal(codeOf(']]]}}}"'), undefined)
  assert.equal(codeOf(''), undefined)
})
