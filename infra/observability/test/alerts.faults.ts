import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPromtool } from './promtool.ts'

/** Building promtool takes minutes the first time, too long for every change. */
test('Prometheus takes the rules, and they fire when they should and only then', async (t) => {
  const promtool = await findPromtool()
  if (promtool === undefined) return t.skip('promtool is built with Go, which is not here')
  assert.match(await promtool('check', 'rules', '--lint=all', 'alerts.yaml'), /SUCCESS/)
  assert.match(await promtool('test', 'rules', 'alerts.test.yaml'), /SUCCESS/)
})
