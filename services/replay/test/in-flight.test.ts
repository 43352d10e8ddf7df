import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapInFlight } from '../log/in-flight.ts'

test('results keep their order, with a bounded number under way', async () => {
  let inFlight = 0
  let most = 0
  const results = await mapInFlight([3, 1, 2, 5, 4], 2, async (turns) => {
    most = Math.max(most, ++inFlight)
    for (let turn = 0; turn < turns; turn++) await null
    inFlight--
    return turns * 10
  })
  assert.deepEqual(results, [30, 10, 20, 50, 40])
  assert.equal(most, 2)
})

test('nothing is begun after a failure', async () => {
  const begun: number[] = []
  const mapping = mapInFlight([1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item)
    await null
    if (item === 1) throw new Error('one failed')
  })
  await assert.rejects(mapping, /one failed/)
  await new Promise(setImmediate)
  assert.ok(begun.length <= 3, `${begun}`)
})
