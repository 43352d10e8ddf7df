import { type API, Connection, type ConnectionOptions } from '@platformatic/kafka'
import type { KafkaConfig } from '../port.ts'
import { within } from '../time.ts'
import { LinkError, toLinkError } from './errors.ts'
import { platformaticSecurity } from './security.ts'

const REQUESTS_IN_FLIGHT_MAX = 64
const KEEP_ALIVE_DELAY_MS = 60_000

/** Connections to brokers by their addresses, destroyed together. */
export class Connections {
  readonly #clientId: string
  readonly #connectTimeoutMs: number
  readonly #options: ConnectionOptions
  readonly #open = new Map<string, Promise<Connection>>()
  readonly #sockets = new Set<Connection>()
  readonly #ends = new WeakMap<Connection, Error>()
  readonly #connecting = new Set<(error: Error) => void>()
  #aborted = false

  constructor(config: KafkaConfig) {
    this.#clientId = config.clientId
    this.#connectTimeoutMs = config.connectTimeoutMs
    this.#options = {
      connectTimeout: config.connectTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      maxInflights: REQUESTS_IN_FLIGHT_MAX,
      ...platformaticSecurity(config),
    }
  }

  /** An open connection to the address, made when there is none. */
  async to(host: string, port: number): Promise<Connection> {
    const address = `${host}:${port}`
    const known = this.#open.get(address)
    if (known) {
      const connection = await known
      // Brokers take no other request while a client authenticates again.
      if (connection.status === 'reauthenticating') await connection.ready().catch(() => undefined)
      if (connection.isConnected()) return connection
      if (this.#open.get(address) === known) this.#open.delete(address)
    }
    let opening = this.#open.get(address)
    if (!opening) {
      opening = this.#connect(host, port)
      this.#open.set(address, opening)
      opening.catch(() => {
        if (this.#open.get(address) === opening) this.#open.delete(address)
      })
    }
    return opening
  }

  /** The answer of the broker, or the reason why there is none. */
  async ask<A extends unknown[], R>(
    connection: Connection,
    api: API<A, R>,
    ...args: A
  ): Promise<R> {
    if (this.#aborted) throw closing()
    try {
      return await api.async(connection, ...args)
    } catch (error) {
      throw this.failure(connection, error)
    }
  }

  /** Why a request over the connection failed: what ended the connection tells more than its end. */
  failure(connection: Connection, error: unknown): LinkError {
    const known = toLinkError(error)
    const end = this.#ends.get(connection)
    return known.type === undefined && end !== undefined ? toLinkError(end) : known
  }

  async close(): Promise<void> {
    this.#aborted = true
    await Promise.allSettled([...this.#sockets].map((connection) => connection.close()))
  }

  destroy(): void {
    this.#aborted = true
    for (const giveUp of this.#connecting) giveUp(closing())
    for (const connection of this.#sockets) end(connection)
  }

  async #connect(host: string, port: number): Promise<Connection> {
    if (this.#aborted) throw closing()
    const connection = new Connection(this.#clientId, this.#options)
    this.#sockets.add(connection)
    // Every request hears of the end of its connection; without a listener the process would end.
    connection.on('error', (error) => this.#ends.set(connection, error))
    connection.once('close', () => {
      this.#sockets.delete(connection)
      end(connection)
    })
    const connecting = connection.connect(host, port) as Promise<void>
    connecting.catch(() => undefined)
    const late = () => new Error(`no connection to ${host}:${port} in time`)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#connecting.add(reject)
        within(connecting, this.#connectTimeoutMs, late)
          .then(resolve, reject)
          .finally(() => this.#connecting.delete(reject))
      })
    } catch (error) {
      this.#sockets.delete(connection)
      end(connection)
      throw toLinkError(error, this.#options.sasl?.mechanism)
    }
    connection.socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
    return connection
  }
}

/** Its timer for authenticating again goes with `close` only, which does not end a lost connection. */
function end(connection: Connection): void {
  connection.close().catch(() => undefined)
  connection.socket?.destroy()
}

function closing(): LinkError {
  return new LinkError('The connection is being closed', { retriable: true })
}
