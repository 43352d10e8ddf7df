import type { CallOptions, Transport } from './transport.ts'

/** A topic that events can be published to, by `GET /v1/topics/{topic}`. */
export interface TopicSummary {
  readonly topic: string
  /** Field whose value is the record's key. */
  readonly key: string
  /** Field that identifies an event; null: the SDK or ingest makes an id for each. */
  readonly id: string | null
  readonly event_time: string
  readonly partitions: number
  readonly versions: readonly TopicVersion[]
}

export interface TopicVersion {
  readonly version: number
  readonly schema_id: number
  /** Whether events may be published with it; undefined from an ingest that does not say. */
  readonly publishable?: boolean
}

export interface TopicWithSchema extends TopicSummary {
  /** Avro, the newest version. */
  readonly schema: unknown
}

/** The topics that ingest knows. */
export class TopicsApi {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** @throws ApiError, ConnectionError */
  async list(options: CallOptions = {}): Promise<readonly TopicSummary[]> {
    const answer = await this.#transport.get('/v1/topics', options)
    return (answer as { readonly topics: readonly TopicSummary[] }).topics
  }

  /** @throws ApiError `unknown_topic`, with the name that was probably meant; ConnectionError */
  async get(topic: string, options: CallOptions = {}): Promise<TopicWithSchema> {
    const path = `/v1/topics/${encodeURIComponent(topic)}`
    return (await this.#transport.get(path, options)) as TopicWithSchema
  }

  /** The Avro schema with this id. @throws ApiError, ConnectionError */
  async schema(id: number, options: CallOptions = {}): Promise<unknown> {
    const answer = await this.#transport.get(`/schemas/ids/${id}`, options)
    return JSON.parse((answer as { readonly schema: string }).schema)
  }
}
