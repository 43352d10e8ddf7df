import { connect, createServer, type Server } from 'node:net'
import { hasCode } from './error-code.ts'

/**
 * Ports on loopback that are free now, all different: each wish is met if nobody listens there,
 * else another free port is given.
 *
 * @param wishes a port number, or 0 for any
 */
export async function freePorts(wishes: readonly number[]): Promise<number[]> {
  // All are held until the last is found, so that none is given twice.
  const servers: Server[] = []
  try {
    for (const wish of wishes) servers.push((await listen(wish)) ?? (await listenAnywhere()))
    return servers.map(portOf)
  } finally {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  }
}

/** Whether nobody listens on the port. */
export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port)
  if (server === undefined) return false
  await new Promise((done) => server.close(done))
  return true
}

/** true once something listens on the port, else undefined: what a wait for it asks. */
export function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(undefined))
  })
}

async function listenAnywhere(): Promise<Server> {
  const server = await listen(0)
  if (server === undefined) throw new Error('This machine has no free port on 127.0.0.1.')
  return server
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => {
      if (hasCode(error, 'EADDRINUSE', 'EACCES')) resolve(undefined)
      else reject(error)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server))
  })
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.')
  return address.port
}
