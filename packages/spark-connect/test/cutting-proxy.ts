import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type CuttingProxy = {
  address: string
  /** How often it cut connections. */
  cuts: () => number
  close: () => Promise<void>
}

/** A TCP proxy on loopback that breaks its connections each time `bytes` have come from the server. */
export async function startCuttingProxy(
  target: string,
  bytes: number,
  cutsMax: number,
): Promise<CuttingProxy> {
  const { hostname, port } = new URL(`http://${target}`)
  const sockets = new Set<Socket>()
  let received = 0
  let cuts = 0
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      // A cut is what this proxy is for: the sockets' errors are its consequence.
      socket.on('error', () => socket.destroy())
    }
    client.pipe(upstream)
    upstream.pipe(client)
    upstream.on('data', (data) => {
      received += data.length
      if (received < bytes || cuts >= cutsMax) return
      received = 0
      cuts += 1
      for (const socket of sockets) socket.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
