import type {
  StreamingQueryManagerCommandResult_StreamingQueryInstance as QueryInstance,
  StreamingQueryManagerCommand,
  StreamingQueryManagerCommandResult,
} from '../generated/spark/connect/commands_pb.js'
import type { SparkClient } from './client.ts'
import { executeCommand } from './execute.ts'
import { StreamingQuery } from './streaming-query.ts'

/** The streaming queries of a session. */
export class StreamingQueryManager {
  readonly #client: SparkClient

  constructor(client: SparkClient) {
    this.#client = client
  }

  /** The queries that run now, also those that another process started in this session. */
  async active(): Promise<StreamingQuery[]> {
    const result = await this.#command({ case: 'active', value: true })
    if (result.case !== 'active') throw this.#client.unexpected('active', result.case)
    return result.value.activeQueries.flatMap((query) => this.#query(query) ?? [])
  }

  /** The running query with this id; undefined if there is none. */
  async get(id: string): Promise<StreamingQuery | undefined> {
    return (await this.active()).find((query) => query.id === id)
  }

  #query({ id, name }: QueryInstance): StreamingQuery | undefined {
    if (id === undefined) return undefined
    return new StreamingQuery(this.#client, { id: id.id, runId: id.runId, name: name || null })
  }

  async #command(
    command: StreamingQueryManagerCommand['command'],
  ): Promise<StreamingQueryManagerCommandResult['resultType']> {
    const result = await executeCommand(
      this.#client,
      { case: 'streamingQueryManagerCommand', value: { command } },
      'streamingQueryManagerCommandResult',
    )
    return result?.resultType ?? { case: undefined }
  }
}
