import { randomUUID } from 'node:crypto'
import { InterruptRequest_InterruptType as InterruptType } from '../generated/spark/connect/base_pb.js'
import { SparkClient } from './client.ts'
import { DataFrame } from './data-frame.ts'
import { type ExecuteOptions, runCommand } from './execute.ts'
import { Heartbeat } from './heartbeat.ts'
import { relationOf } from './relation.ts'
import { type StreamingQueryEvent, streamingQueryEvents } from './streaming-query-events.ts'
import { StreamingQueryManager } from './streaming-query-manager.ts'
import { createSparkTransport, type TransportOptions } from './transport.ts'

export type ConnectOptions = TransportOptions & {
  /** A session belongs to a user: reattaching needs the same session id **and** user id. */
  userId: string
  /** UUID of the session to create or to reattach to. Default: a new one. */
  sessionId?: string
  /** Deadline of each call that has none of its own. Default 60,000. */
  requestTimeoutMs?: number
  /** The server times out idle sessions and stops their queries. 0 switches heartbeats off. Default 60,000. */
  heartbeatIntervalMs?: number
  /** Called when a heartbeat fails; `session_closed` means that queries and views are gone. */
  onHeartbeatError?: (error: unknown) => void
}

/**
 * Creates a session on a Spark Connect server, or reattaches to it by its stored id: temp views and
 * running queries of the session are there again. Resolves when the server has answered.
 *
 * @throws SparkTransportError `unavailable`, `unauthenticated`, `deadline`, or `session_closed` if that
 * session id was released or timed out (it can't be used again)
 */
export async function connectSpark(options: ConnectOptions): Promise<SparkSession> {
  const session = new SparkSession(options)
  try {
    await session.version()
  } catch (error) {
    session.detach()
    throw error
  }
  session.startHeartbeat()
  return session
}

export class SparkSession {
  readonly sessionId: string
  readonly streams: StreamingQueryManager
  readonly #client: SparkClient
  readonly #heartbeat: Heartbeat
  readonly #close: () => void

  constructor(options: ConnectOptions) {
    const { sessionId = randomUUID(), userId, requestTimeoutMs = 60_000 } = options
    const { transport, close } = createSparkTransport(options)
    this.sessionId = sessionId
    this.#close = close
    this.#client = new SparkClient({
      transport,
      sessionId,
      userId,
      requestTimeoutMs,
    })
    this.streams = new StreamingQueryManager(this.#client)
    this.#heartbeat = new Heartbeat({
      beat: async () => {
        await this.version()
      },
      intervalMs: options.heartbeatIntervalMs ?? 60_000,
      onError: options.onHeartbeatError ?? (() => undefined),
    })
  }

  /** A query as a plan; nothing is checked or run yet. */
  sql(query: string): DataFrame {
    return new DataFrame(this.#client, relationOf({ case: 'sql', value: { query } }))
  }

  /** Runs a SQL command that gives no rows, e.g. `CREATE TABLE` or `DROP VIEW`. */
  async execute(command: string, options: ExecuteOptions = {}): Promise<void> {
    const input = relationOf({ case: 'sql', value: { query: command } })
    await runCommand(this.#client, { case: 'sqlCommand', value: { input } }, options)
  }

  /** A table or temp view by its name. */
  table(name: string): DataFrame {
    return new DataFrame(
      this.#client,
      relationOf({
        case: 'read',
        value: { readType: { case: 'namedTable', value: { unparsedIdentifier: name } } },
      }),
    )
  }

  /** A batch read, e.g. `read({format: 'parquet', paths: ['s3a://bucket/folder']})`. `schema` is Spark DDL. */
  read(source: {
    format: string
    schema?: string
    options?: Record<string, string>
    paths?: string[]
  }): DataFrame {
    return this.#read(source, false)
  }

  /** A streaming read, e.g. `readStream({format: 'kafka', options: {subscribe: 'topic', …}})`. */
  readStream(source: {
    format: string
    schema?: string
    options?: Record<string, string>
    paths?: string[]
  }): DataFrame {
    return this.#read(source, true)
  }

  /** Sets runtime configuration of this session. */
  async setConfig(settings: Record<string, string>): Promise<void> {
    const pairs = Object.entries(settings).map(([key, value]) => ({ key, value }))
    await this.#client.config({ case: 'set', value: { pairs } })
  }

  /** A setting's value; undefined if it has none. */
  async getConfig(key: string): Promise<string | undefined> {
    const pairs = await this.#client.config({ case: 'getOption', value: { keys: [key] } })
    return pairs[0]?.value
  }

  /** The server's Spark version; also keeps the session alive. */
  async version(): Promise<string> {
    const result = await this.#client.analyze({ case: 'sparkVersion', value: {} })
    if (result.case !== 'sparkVersion') throw this.#client.unexpected('version', result.case)
    return result.value.version
  }

  /**
   * Progress, idle and termination of this session's streaming queries as they happen, pushed by the
   * server: no polling. One consumer per session; a new one takes over from the one before.
   */
  streamingQueryEvents(signal: AbortSignal): AsyncGenerator<StreamingQueryEvent> {
    return streamingQueryEvents(this.#client, signal)
  }

  /** Interrupts running executions (not streaming queries): all, or those with a tag. Returns their ids. */
  interrupt(options: { tag?: string } = {}): Promise<string[]> {
    return options.tag === undefined
      ? this.#client.interrupt(InterruptType.ALL, { case: undefined })
      : this.#client.interrupt(InterruptType.TAG, { case: 'operationTag', value: options.tag })
  }

  startHeartbeat(): void {
    this.#heartbeat.start()
  }

  /** Lets go of the session without ending it: its queries run on, `connectSpark` can reattach. */
  detach(): void {
    this.#heartbeat.stop()
    this.#close()
  }

  /** Ends the session on the server: stops its queries, drops its views. Its id can't be used again. */
  async release(): Promise<void> {
    this.#heartbeat.stop()
    try {
      await this.#client.releaseSession(false)
    } finally {
      this.#close()
    }
  }

  #read(
    source: {
      format: string
      schema?: string
      options?: Record<string, string>
      paths?: string[]
    },
    isStreaming: boolean,
  ): DataFrame {
    const { format, schema, options = {}, paths = [] } = source
    const value = { format, options, paths, ...(schema === undefined ? {} : { schema }) }
    return new DataFrame(
      this.#client,
      relationOf({
        case: 'read',
        value: { isStreaming, readType: { case: 'dataSource', value } },
      }),
    )
  }
}
