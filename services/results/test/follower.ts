import { type IncomingMessage, request } from 'node:http'
import { until } from '@kappa/test/until'
import type { Row } from './fixture.ts'

export interface ToldEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: {
    readonly key: readonly (string | number | null)[]
    readonly row: Row
    readonly release: number
    readonly position: string
    readonly from: number
    readonly to: number
    readonly message: string
  }
}

/** Follows a view as a browser does, and keeps what it is told. */
export class Follower {
  readonly events: ToldEvent[] = []
  status: number | undefined
  ended = false
  lastId: string | undefined
  #rest = ''
  readonly #request
  #response: IncomingMessage | undefined

  constructor(url: string, lastId?: string) {
    this.lastId = lastId
    const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
    this.#request = request(url, { headers }, (response) => {
      this.#response = response
      this.status = response.statusCode
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => this.#take(chunk))
      response.on('close', () => {
        this.ended = true
      })
      response.on('error', () => undefined)
    })
    this.#request.on('error', () => {
      this.ended = true
    })
    this.#request.end()
  }

  /** What a client that keeps the rows has by now, by key. */
  rows(before: ReadonlyMap<string, Row> = new Map()): Map<string, Row> {
    const rows = new Map(before)
    for (const { event, data } of this.events) {
      if (event === 'snapshot') rows.clear()
      if (event === 'row') rows.set(JSON.stringify(data.key), data.row)
      if (event === 'delete') rows.delete(JSON.stringify(data.key))
    }
    return rows
  }

  of(event: string): ToldEvent[] {
    return this.events.filter((told) => told.event === event)
  }

  async untilEvent(isWanted: (told: ToldEvent) => boolean, timeoutMs?: number): Promise<ToldEvent> {
    const found = await until(
      () => this.events.find(isWanted),
      (event) => event !== undefined,
      timeoutMs,
    )
    return found as ToldEvent
  }

  pause(): void {
    this.#response?.pause()
  }

  resume(): void {
    this.#response?.resume()
  }

  close(): void {
    this.#request.destroy()
  }

  #take(chunk: string): void {
    const blocks = `${this.#rest}${chunk}`.split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => {
          const colon = line.indexOf(': ')
          return [line.slice(0, colon), line.slice(colon + 2)] as const
        }),
      )
      const id = fields.get('id')
      if (id !== undefined) this.lastId = id
      const event = fields.get('event')
      if (event !== undefined) {
        this.events.push({ event, id, data: JSON.parse(fields.get('data') ?? '') })
      }
    }
  }
}
