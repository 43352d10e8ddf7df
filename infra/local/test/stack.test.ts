import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startTimeOf } from '@kappa/processes/process-identity'
import { startStack } from '../stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'kappa-stack-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function grpcSockets(ports: readonly (string | undefined)[]): string[] {
  const names = readdirSync('/tmp').filter((name) => name.startsWith('seaweedfs-'))
  return names.filter((name) => ports.some((port) => name.endsWith(`-grpc-${port}.sock`)))
}

test('a child that crashes is named, and stopping leaves nothing', async () => {
  const stack = await startStack({ stateFolder: folder })
  const pids = stack.children.map((child) => child.pid)
  const store = stack.children.find((child) => child.name === 'object-store')
  const command = readFileSync(`/proc/${store?.pid}/cmdline`, 'utf8')
  const grpcPorts = [...command.matchAll(/port\.grpc=(\d+)/g)].map(([, port]) => port)
  try {
    assert.equal(pids.length, 3)
    assert.equal(grpcPorts.length, 4)
    assert.notDeepEqual(grpcSockets(grpcPorts), [], 'SeaweedFS has sockets of its own')
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
  assert.deepEqual(grpcSockets(grpcPorts), [])
})

test('a part that cannot start takes the others with it', async () => {
  const { readComponents } = await import('../components.ts')
  const components = { ...readComponents(), weed: '/bin/false' }
  await assert.rejects(startStack({ stateFolder: folder, components }), /object-store/)
  const { pidFilesIn } = await import('@kappa/processes/pid-file')
  assert.deepEqual(pidFilesIn(join(folder, 'run')), [])
})
