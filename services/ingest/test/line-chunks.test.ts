import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { ServiceError } from '@kappa/service/errors'
import { lineChunks } from '../bodies/line-chunks.ts'

const bounds = { chunkBytes: 10_000, lineBytesMax: 20_000, linesMax: 100, idleTimeoutMs: 5_000 }

/** A server that hands each request to `take`. */
async function serve(take: (incoming: IncomingMessage) => Promise<void>) {
  const server = createServer((incoming, response) => {
    void take(incoming).then(() => response.end('taken'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.dispose]: () => void server.close().closeAllConnections() }
}

test('a client that goes away while its chunk is being written ends the chunks, and nothing else', async () => {
  const { promise: gone, resolve: isGone } = Promise.withResolvers<void>()
  const { promise: ended, resolve } = Promise.withResolvers<unknown>()
  using server = await serve(async (incoming) => {
    incoming.once('close', isGone)
    try {
      for await (const _chunk of lineChunks(incoming, bounds)) {
        client.destroy()
        await gone
      }
    } catch (error) {
      resolve(error)
    }
  })
  const client = connect(server.port, '127.0.0.1')
  client.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n')
  client.write('a line\n'.repeat(2_000))
  const error = await ended
  assert.ok(error instanceof ServiceError)
  assert.equal(error.code, 'bad_request')
})

test('every chunk has no more lines than the bound, the last one too, and its first line', async () => {
  const { promise: read, resolve } = Promise.withResolvers<[number, number][]>()
  using server = await serve(async (incoming) => {
    const chunks: [number, number][] = []
    for await (const { bytes, firstLine } of lineChunks(incoming, bounds)) {
      chunks.push([firstLine, bytes.toString().split('\n').filter(Boolean).length])
    }
    resolve(chunks)
  })
  await once(
    request({ port: server.port, method: 'POST' }).end(`${'x\n'.repeat(250)}end`),
    'response',
  )
  assert.deepEqual(await read, [
    [1, 100],
    [101, 100],
    [201, 51],
  ])
})

test('a line that comes in small parts is put together, up to its bound', async () => {
  const { promise: read, resolve } = Promise.withResolvers<number>()
  using server = await serve(async (incoming) => {
    for await (const { bytes } of lineChunks(incoming, bounds)) resolve(bytes.length)
  })
  const client = request({ port: server.port, method: 'POST' })
  for (let part = 0; part < 15_000; part++) client.write('x')
  await once(client.end('\n'), 'response')
  assert.equal(await read, 15_001)
})

test('a connection whose body nobody wants any more takes the next request', async () => {
  using server = await serve(async (incoming) => {
    for await (const _chunk of lineChunks(incoming, bounds)) break
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const post = async (body: string) => {
    const client = request({ port: server.port, agent, method: 'POST' }).end(body)
    const [response] = (await once(client, 'response')) as [IncomingMessage]
    await response.resume().toArray()
    return client.reusedSocket
  }
  await post('a line\n'.repeat(500_000))
  assert.equal(await post('a line\n'), true)
  agent.destroy()
})
