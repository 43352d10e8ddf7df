import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** API keys of Kafka's protocol. */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  joinGroup: 11,
  heartbeat: 12,
  endTxn: 26,
} as const

/** What happens to a response: the first two lose it. */
type Fault =
  /** `close` ends the connection, `silence` leaves it open without this answer or later ones. */
  | { readonly how: 'close' | 'silence' }
  | { readonly how: 'delay'; readonly ms: number }
  | { readonly how: 'alter'; readonly change: (response: Buffer) => Buffer }

interface PlannedFault {
  readonly apiKey: number
  readonly fault: Fault
  /** Requests of this kind that are answered first. */
  skip: number
}

/** Whole frames (int32 size, then the body) out of chunks. */
class Frames {
  #buffered: Buffer = Buffer.alloc(0)

  add(chunk: Buffer): Buffer[] {
    this.#buffered = Buffer.concat([this.#buffered, chunk])
    const frames: Buffer[] = []
    while (this.#buffered.length >= 4) {
      const size = 4 + this.#buffered.readInt32BE(0)
      if (this.#buffered.length < size) break
      frames.push(this.#buffered.subarray(0, size))
      this.#buffered = this.#buffered.subarray(size)
    }
    return frames
  }
}

/**
 * A fault injector: a TCP proxy in front of one broker on 127.0.0.1 that passes requests on and
 * loses, delays or alters chosen responses, so that the broker has done what the client does not
 * hear about; or loses everything without a word, as a network that is gone does.
 */
export class ResponseDroppingProxy {
  readonly #upstream: { host: string; port: number }
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #faults: PlannedFault[] = []
  readonly #requests = new Map<number, number>()
  #frozen = 0
  #port = 0
  /** How many responses were lost so far. */
  dropped = 0
  /** How many connections were accepted so far. */
  connections = 0

  static async start(broker: string): Promise<ResponseDroppingProxy> {
    const proxy = new ResponseDroppingProxy(broker)
    await proxy.#listen(0)
    return proxy
  }

  private constructor(broker: string) {
    const [host, port] = broker.split(':')
    this.#upstream = { host: host as string, port: Number(port) }
    this.#server = createServer((client) => this.#serve(client))
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get openConnections(): number {
    return this.#sockets.size / 2
  }

  /** How many requests of this kind came so far. */
  requests(apiKey: number): number {
    return this.#requests.get(apiKey) ?? 0
  }

  /** Loses the response to the next request of this kind, after `skip` answered ones. */
  dropNext(apiKey: number, how: 'close' | 'silence', skip = 0): void {
    this.#faults.push({ apiKey, fault: { how }, skip })
  }

  /** Holds the response to the next request of this kind, and those behind it, for `ms`. */
  delayNext(apiKey: number, ms: number, skip = 0): void {
    this.#faults.push({ apiKey, fault: { how: 'delay', ms }, skip })
  }

  /** Changes the response to the next request of this kind: the whole frame, size included. */
  alterNext(apiKey: number, change: (response: Buffer) => Buffer, skip = 0): void {
    this.#faults.push({ apiKey, fault: { how: 'alter', change }, skip })
  }

  /** From now on nothing passes on the connections there are, in either direction; none is ended. */
  freeze(): void {
    this.#frozen = this.connections
  }

  /** As `freeze`, and no connection that comes is answered either. */
  freezeAll(): void {
    this.#frozen = Number.POSITIVE_INFINITY
  }

  /** Listens again on the same port after `stop`. */
  restart(): Promise<void> {
    return this.#listen(this.#port)
  }

  /** Ends all connections and accepts no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  #serve(client: Socket): void {
    this.connections += 1
    const number = this.connections
    const broker = connect(this.#upstream)
    const asked: number[] = []
    const requests = new Frames()
    const responses = new Frames()
    /** Answers that wait behind a delayed one. */
    let held: Buffer[] | undefined
    let silent = false
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.on('error', () => this.#end(client, broker))
      socket.on('close', () => this.#end(client, broker))
    }
    client.on('data', (chunk: Buffer) => {
      if (number <= this.#frozen) return
      for (const frame of requests.add(chunk)) {
        const apiKey = frame.readInt16BE(4)
        asked.push(apiKey)
        this.#requests.set(apiKey, this.requests(apiKey) + 1)
        broker.write(frame)
      }
    })
    broker.on('data', (chunk: Buffer) => {
      if (number <= this.#frozen) return
      for (const frame of responses.add(chunk)) {
        const fault = this.#faultFor(asked.shift() as number)
        if (fault?.how === 'close' || fault?.how === 'silence') this.dropped += 1
        if (fault?.how === 'close') return this.#end(client, broker)
        if (fault?.how === 'silence') silent = true
        if (fault?.how === 'delay' && !held) {
          held = []
          setTimeout(() => {
            for (const waiting of held ?? []) client.write(waiting)
            held = undefined
          }, fault.ms)
        }
        if (silent) continue
        const told = this.#readdressed(fault?.how === 'alter' ? fault.change(frame) : frame)
        if (held) held.push(told)
        else client.write(told)
      }
    })
  }

  #faultFor(apiKey: number): Fault | undefined {
    const index = this.#faults.findIndex((planned) => planned.apiKey === apiKey)
    const planned = this.#faults[index]
    if (!planned) return undefined
    if (planned.skip > 0) {
      planned.skip -= 1
      return undefined
    }
    this.#faults.splice(index, 1)
    return planned.fault
  }

  #end(client: Socket, broker: Socket): void {
    client.destroy()
    broker.destroy()
    this.#sockets.delete(client)
    this.#sockets.delete(broker)
  }

  /** The broker tells its own address: clients must come back through the proxy. */
  #readdressed(frame: Buffer): Buffer {
    const host = Buffer.from(this.#upstream.host)
    const told = Buffer.alloc(2 + host.length + 4)
    told.writeInt16BE(host.length, 0)
    host.copy(told, 2)
    told.writeInt32BE(this.#upstream.port, 2 + host.length)
    const at = frame.indexOf(told)
    if (at < 0) return frame
    const changed = Buffer.from(frame)
    changed.writeInt32BE(this.#port, at + 2 + host.length)
    return changed
  }
}
