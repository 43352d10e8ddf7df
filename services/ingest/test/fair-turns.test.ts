import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairTurns } from '../publishing/fair-turns.ts'

test('a small client never waits behind the queue of one that floods', async () => {
  const turns = new FairTurns(100)
  const order: string[] = []
  const enter = (client: string, bytes: number) => {
    const turn = turns.take(client, bytes)
    if (turn === undefined) order.push(client)
    return turn?.then(() => order.push(client))
  }
  assert.equal(enter('flood', 100), undefined, 'nobody waits for free room')
  const waits = Array.from({ length: 5 }, () => enter('flood', 100))
  waits.push(enter('small', 10), enter('small', 10))
  assert.equal(turns.waiting, 7)
  for (let n = 0; n < 8 && turns.waiting > 0; n++) {
    turns.done(order.at(-1) === 'small' ? 10 : 100)
    await Promise.resolve()
  }
  await Promise.all(waits)
  const small = order.flatMap((client, at) => (client === 'small' ? [at] : []))
  assert.ok(Math.max(...small) <= 3, `let in as ${order.join(', ')}`)
})

test('clients that wait share the bytes evenly, whatever the sizes of their requests', () => {
  const turns = new FairTurns(1)
  const given = { many: 0, large: 0 }
  let holder = 0
  turns.take('holder', 1)
  const queue = (client: 'many' | 'large', bytes: number) =>
    turns.take(client, bytes)?.then(() => {
      given[client] += bytes
      holder = bytes
    })
  for (let n = 0; n < 400; n++) void queue('many', 10)
  for (let n = 0; n < 40; n++) void queue('large', 100)
  return (async () => {
    turns.done(1)
    for (let n = 0; n < 150; n++) {
      await Promise.resolve()
      await Promise.resolve()
      turns.done(holder)
    }
    const share = given.large / (given.large + given.many)
    assert.ok(share > 0.4 && share < 0.6, `large has ${share}`)
  })()
})
