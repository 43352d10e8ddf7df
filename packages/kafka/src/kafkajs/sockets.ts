import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const KEEP_ALIVE_DELAY_MS = 60_000

/** API keys of Kafka's protocol whose requests change the log. */
export const END_TXN_API_KEY = 26

/**
 * Makes kafkajs's sockets, so that they can be destroyed when a disconnect hangs, and knows which
 * requests were handed to the network: only that tells "can't be in the log" from "may be".
 */
export class TrackedSockets {
  readonly #open = new Set<Socket>()
  readonly #written = new Map<number, number>()
  #destroyed = false

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const socket = ssl ? openTls(host, port, ssl, onConnect) : connect({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
    socket.setNoDelay(true)
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    this.#count(socket)
    if (this.#destroyed) socket.destroy(new Error('The connection is being closed'))
    return socket
  }

  /** How many requests with this API key were written so far. */
  written(apiKey: number): number {
    return this.#written.get(apiKey) ?? 0
  }

  /** With an error, because kafkajs cleans up its timers and requests only on one. */
  destroyAll(): void {
    this.#destroyed = true
    for (const socket of this.#open) socket.destroy(new Error('The connection is being closed'))
  }

  #count(socket: Socket): void {
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
    const counted = (...args: unknown[]): boolean => {
      const data = args[0]
      // kafkajs writes one whole frame at a time: int32 size, int16 API key.
      if (Buffer.isBuffer(data) && data.length >= 6) {
        const apiKey = data.readInt16BE(4)
        this.#written.set(apiKey, this.written(apiKey) + 1)
      }
      return write(...args)
    }
    socket.write = counted as Socket['write']
  }
}

/** A server name may not be an address (RFC 6066), and Node refuses one. */
function openTls(
  host: string,
  port: number,
  ssl: ConnectionOptions,
  onConnect: () => void,
): Socket {
  const name = isIP(host) ? {} : { servername: host }
  return connectTls({ host, port, ...name, ...ssl }, onConnect)
}
