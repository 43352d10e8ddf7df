import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { freePorts, isFree } from '@kappa/processes/ports'

test('a port that is taken is replaced by another, and no port is given twice', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  try {
    assert.equal(await isFree(address.port), false)
    const ports = await freePorts([address.port, address.port, 0, 0])
    assert.ok(!ports.includes(address.port))
    assert.equal(new Set(ports).size, 4)
  } finally {
    server.close()
  }
})

test('a free port that is wished for is given', async () => {
  const [free] = await freePorts([0])
  assert.ok(free !== undefined)
  assert.deepEqual(await freePorts([free]), [free])
})
