import type { CompatibilityMode } from './compatibility.ts'
import { type EncodeResult, EventEncoder } from './encoder.ts'
import type { EncodeLimits } from './event-problem.ts'
import type { RecordSchema } from './schema.ts'
import type { TopicFile } from './topic-file.ts'

/** One version of a topic's contract: `schemas/<topic>/<n>.avsc`. */
export interface ContractVersion {
  readonly n: number
  /** In the wire format of every event of this version. */
  readonly schemaId: number
  /** The schema as JSON text, for Spark's `from_avro` and for registries. */
  readonly schemaText: string
  readonly schema: RecordSchema
}

/** The contract of one topic: how its events look, are keyed, identified and timed. */
export class Contract {
  readonly topic: string
  /** In order: index 0 is version 1. Never empty. */
  readonly versions: readonly ContractVersion[]
  readonly newest: ContractVersion
  readonly partitions: number
  /** Events further in the future than this are rejected. */
  readonly earlinessMs: number
  /** The largest disorder that an import of history may declare. */
  readonly importDisorderMaxMs: number
  /** What each version has to be compatible with; checked when contracts are loaded. */
  readonly compatibility: CompatibilityMode
  readonly keyField: string
  readonly idField: string | undefined
  readonly eventTimeField: string
  /** Names of the newest version's fields, in order. */
  readonly fields: readonly string[]
  readonly #encoders: readonly EventEncoder[]

  constructor(
    topic: string,
    file: TopicFile,
    versions: readonly ContractVersion[],
    limits: EncodeLimits,
  ) {
    const newest = versions.at(-1)
    if (newest === undefined) throw new RangeError(`the contract of ${topic} has no version`)
    this.topic = topic
    this.versions = versions
    this.newest = newest
    this.partitions = file.partitions
    this.earlinessMs = file.earlinessMs
    this.importDisorderMaxMs = file.importDisorderMaxMs
    this.compatibility = file.compatibility
    this.keyField = file.key
    this.idField = file.id
    this.eventTimeField = file.eventTime
    this.fields = newest.schema.fields.map((field) => field.name)
    const fields = { key: file.key, id: file.id, eventTime: file.eventTime }
    this.#encoders = versions.map(
      ({ schema, schemaId }) => new EventEncoder(schema, schemaId, fields, limits),
    )
  }

  /**
   * Validates a parsed JSON value and encodes it as an event of `version` (the newest if left
   * out). Never throws for what the value holds.
   */
  encode(json: unknown, version = this.versions.length): EncodeResult {
    const encoder = this.#encoders[version - 1]
    if (encoder !== undefined) return encoder.encode(json)
    const message = `${this.topic} has the versions 1 to ${this.versions.length}, not ${version}`
    return { ok: false, errors: [{ code: 'unknown_version', message, path: '$' }] }
  }
}
