import { randomInt } from 'node:crypto'
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

/** Other hosts may not answer at all. */
const acceptTimeoutMs = 2_000

/** true once something listens on the port, else undefined: what a wait for it asks. */
export function accepts(port: number, host = '127.0.0.1'): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (answer: true | undefined): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(acceptTimeoutMs, () => end(undefined))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(undefined))
  })
}

/**
 * Below the ports that systems take for outgoing connections (32768 and up on Linux, 49152 by IANA):
 * one of those could be taken between now and when it is listened on, or while a server restarts.
 */
const anywhere = { from: 20_000, to: 32_000 }
const attemptsMax = 200

async function listenAnywhere(): Promise<Server> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const server = await listen(randomInt(anywhere.from, anywhere.to))
    if (server !== undefined) return server
  }
  throw new Error(
    `None of ${attemptsMax} ports from ${anywhere.from} to ${anywhere.to} is free on 127.0.0.1.`,
  )
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
