import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Heartbeat } from '@kappa/spark-connect/heartbeat'

test('beats go on after a failure, which is told, and stop at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let beats = 0
  const errors: unknown[] = []
  const heartbeat = new Heartbeat({
    intervalMs: 100,
    onError: (error) => errors.push(error),
    beat: async () => {
      beats += 1
      if (beats === 1) throw new Error('no answer')
    },
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  heartbeat.start()
  heartbeat.start()
  t.mock.timers.tick(100)
  await settle()
  t.mock.timers.tick(100)
  await settle()
  assert.equal(beats, 2)
  assert.equal((errors[0] as Error).message, 'no answer')
  heartbeat.stop()
  t.mock.timers.tick(1_000)
  await settle()
  assert.equal(beats, 2)
})

test('an interval of 0 means no heartbeat', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const heartbeat = new Heartbeat({
    intervalMs: 0,
    onError: () => assert.fail('it failed'),
    beat: () => assert.fail('it beat'),
  })
  heartbeat.start()
  t.mock.timers.tick(1_000_000)
})
