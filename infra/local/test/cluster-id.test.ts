import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newClusterId } from '../kafka.ts'

test('a cluster id is never taken for an option of the tool that formats the storage', () => {
  for (let n = 0; n < 2_000; n++) assert.match(newClusterId(), /^[A-Za-z0-9][\w-]{21}$/)
})
