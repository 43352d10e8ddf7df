import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startTimeOf } from '../process-identity.ts'
import { startStack } from '../stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'kappa-stack-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('a child that crashes is named, and stopping leaves nothing', async () => {
  const stack = await startStack({ stateFolder: folder })
  const pids = stack.children.map((child) => child.pid)
  try {
    assert.equal(pids.length, 3)
    assert.equal(statSync(stack.connection.redisPasswordFile).mode & 0o777, 0o600)
    assert.equal(statSync(stack.connection.s3.credentialsFile).mode & 0o777, 0o600)

    const redis = stack.children.find((child) => child.name === 'redis')
    assert.ok(redis)
    process.kill(redis.pid, 'SIGKILL')
    await assert.rejects(stack.failed, /^LocalError: redis ended by SIGKILL/)
  } finally {
    await stack.stop()
  }
  assert.deepEqual(
    pids.filter((pid) => startTimeOf(pid) !== undefined),
    [],
  )
})

test('a part that cannot start takes the others with it', async () => {
  const { readComponents } = await import('../components.ts')
  const components = { ...readComponents(), weed: '/bin/false' }
  await assert.rejects(startStack({ stateFolder: folder, components }), /object-store/)
  const { pidFilesIn } = await import('../pid-file.ts')
  assert.deepEqual(pidFilesIn(join(folder, 'run')), [])
})
