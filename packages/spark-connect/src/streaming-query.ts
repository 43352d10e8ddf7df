import type {
  StreamingQueryCommand,
  StreamingQueryCommandResult,
} from '../generated/spark/connect/commands_pb.js'
import type { SparkClient } from './client.ts'
import { SparkError } from './errors.ts'
import { executeCommand } from './execute.ts'
import { parseProgress, type StreamingQueryProgress } from './progress.ts'

export type StreamingQueryStatus = {
  message: string
  isDataAvailable: boolean
  isTriggerActive: boolean
  isActive: boolean
}

type Command = NonNullable<StreamingQueryCommand['command']>

/** A streaming query on the server. It runs on when this object, the session object or the process goes. */
export class StreamingQuery {
  /** Kept in the checkpoint: the same after every restart from it. */
  readonly id: string
  /** New at every start. */
  readonly runId: string
  readonly name: string | null
  readonly #client: SparkClient

  constructor(client: SparkClient, query: { id: string; runId: string; name: string | null }) {
    this.#client = client
    this.id = query.id
    this.runId = query.runId
    this.name = query.name
  }

  async status(): Promise<StreamingQueryStatus> {
    const result = await this.#command({ case: 'status', value: true })
    if (result.case !== 'status') throw this.#client.unexpected('status', result.case)
    const { statusMessage, isDataAvailable, isTriggerActive, isActive } = result.value
    return { message: statusMessage, isDataAvailable, isTriggerActive, isActive }
  }

  /** The newest progress reports, oldest first (Spark keeps 100). */
  async recentProgress(): Promise<StreamingQueryProgress[]> {
    return this.#progress({ case: 'recentProgress', value: true })
  }

  /** The newest progress report; undefined before the first one. */
  async lastProgress(): Promise<StreamingQueryProgress | undefined> {
    return (await this.#progress({ case: 'lastProgress', value: true })).at(-1)
  }

  /**
   * Why the query failed; undefined if it runs or was stopped. `error.rootCause` is the real reason,
   * the error itself Spark's wrapper around it.
   */
  async exception(): Promise<SparkError | undefined> {
    const result = await this.#command({ case: 'exception', value: true })
    // Spark answers a query that did not fail with a result that has no content at all.
    if (result.case === undefined) return undefined
    if (result.case !== 'exception') throw this.#client.unexpected('exception', result.case)
    const { exceptionMessage, errorClass } = result.value
    if (exceptionMessage === undefined) return undefined
    // This answer has the wrapper's text only; waiting for the dead query throws the error with its causes.
    try {
      await this.awaitTermination(1)
    } catch (error) {
      if (error instanceof SparkError) return error
      throw error
    }
    return new SparkError(exceptionMessage, errorClass === undefined ? {} : { errorClass })
  }

  /** Stops the query; resolves when it has stopped. Its checkpoint stays. */
  async stop(options: { timeoutMs?: number } = {}): Promise<void> {
    await this.#command({ case: 'stop', value: true }, options.timeoutMs)
  }

  /**
   * Waits until the query ends. True if it ended, false if it still runs after `timeoutMs`.
   * Throws the query's SparkError if it failed.
   */
  async awaitTermination(timeoutMs: number): Promise<boolean> {
    const result = await this.#command(
      { case: 'awaitTermination', value: { timeoutMs: BigInt(timeoutMs) } },
      timeoutMs + this.#client.requestTimeoutMs,
    )
    if (result.case !== 'awaitTermination') {
      throw this.#client.unexpected('awaitTermination', result.case)
    }
    return result.value.terminated
  }

  /** Waits until all that the sources held when it was called is processed. For tests. */
  async processAllAvailable(options: { timeoutMs?: number } = {}): Promise<void> {
    await this.#command({ case: 'processAllAvailable', value: true }, options.timeoutMs)
  }

  /** The physical plan of the last batch (with `extended`, the logical plans too). */
  async explain(options: { extended?: boolean } = {}): Promise<string> {
    const { extended = false } = options
    const result = await this.#command({ case: 'explain', value: { extended } })
    if (result.case !== 'explain') throw this.#client.unexpected('explain', result.case)
    return result.value.result
  }

  async #progress(command: Command): Promise<StreamingQueryProgress[]> {
    const result = await this.#command(command)
    if (result.case !== 'recentProgress') {
      throw this.#client.unexpected('progress', result.case)
    }
    return result.value.recentProgressJson.map(parseProgress)
  }

  async #command(
    command:
      | Command
      | { case: 'awaitTermination'; value: { timeoutMs: bigint } }
      | { case: 'explain'; value: { extended: boolean } },
    timeoutMs?: number,
  ): Promise<StreamingQueryCommandResult['resultType']> {
    const result = await executeCommand(
      this.#client,
      {
        case: 'streamingQueryCommand',
        value: { queryId: { id: this.id, runId: this.runId }, command },
      },
      'streamingQueryCommandResult',
      timeoutMs === undefined ? {} : { timeoutMs },
    )
    return result?.resultType ?? { case: undefined }
  }
}
