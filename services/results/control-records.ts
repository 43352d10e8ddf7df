import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

const Text = Type.String({ minLength: 1 })
const Offsets = Type.Record(Type.String({ pattern: '^\\d+$' }), Type.String({ pattern: '^\\d+$' }))

const Column = Type.Object({ name: Text, type: Text, nullable: Type.Boolean() })

const ViewDefinition = Type.Object({
  key: Type.Array(Text, { minItems: 1 }),
  time: Type.Optional(Text),
  // Empty until Spark has analysed the view, which is before the release is live.
  columns: Type.Array(Column),
  changelog: Type.Object({ topic: Text, partitions: Type.Integer({ minimum: 1 }) }),
})

const Release = Type.Object({
  application: Text,
  release: Type.Integer({ minimum: 1 }),
  state: Text,
  definition: Type.Object({ views: Type.Record(Text, ViewDefinition) }),
})

const Live = Type.Object({
  application: Text,
  release: Type.Integer({ minimum: 1 }),
  epoch: Type.Integer({ minimum: 0 }),
})

const Position = Type.Object({
  application: Text,
  release: Type.Integer({ minimum: 1 }),
  view: Text,
  batch: Type.Integer({ minimum: -1 }),
  epoch: Type.Integer({ minimum: 0 }),
  sources: Type.Record(Text, Offsets),
  changelog: Offsets,
  as_of: Type.Union([Type.Integer(), Type.Null()]),
  current_at: Type.Integer(),
  complete: Type.Boolean(),
  late_events: Type.Integer({ minimum: 0 }),
})

const releaseCheck = Compile(Release)
const liveCheck = Compile(Live)
const positionCheck = Compile(Position)

export interface ColumnDefinition {
  readonly name: string
  /** Spark's name of the type, for example `string`, `bigint`, `decimal(10,2)`, `timestamp`. */
  readonly type: string
  readonly nullable: boolean
}

export interface ViewDefinition {
  readonly key: readonly string[]
  readonly time?: string
  readonly columns: readonly ColumnDefinition[]
  readonly changelog: { readonly topic: string; readonly partitions: number }
}

export interface ReleaseRecord {
  readonly application: string
  readonly release: number
  readonly state: string
  readonly views: Readonly<Record<string, ViewDefinition>>
}

/** Which release of an application readers get. */
export interface LiveRecord {
  readonly application: string
  readonly release: number
  readonly epoch: number
}

export interface PositionRecord {
  readonly application: string
  readonly release: number
  readonly view: string
  readonly batch: number
  readonly epoch: number
  /** Topic -> partition -> next offset, as text: Kafka's offsets are int64. */
  readonly sources: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Partition -> exclusive end offset of the changelog. */
  readonly changelog: Readonly<Record<string, string>>
  readonly as_of: number | null
  readonly current_at: number
  readonly complete: boolean
  readonly late_events: number
}

/** A record of a control topic that is not what its topic promises. */
export class ControlRecordError extends Error {
  constructor(topic: string, key: string, reason: string) {
    super(`The record "${key}" of the topic of ${topic} cannot be used: ${reason}`)
    this.name = 'ControlRecordError'
  }
}

/**
 * Reads a value of the topic of releases: `<application>/live` or `<application>/<release>`.
 * @throws ControlRecordError
 */
export function parseReleaseRecord(
  key: string,
  value: Buffer,
): { live: LiveRecord } | { release: ReleaseRecord } {
  const json = parseJson('releases', key, value)
  if (key.endsWith('/live')) {
    if (!liveCheck.Check(json)) throw misfit('releases', key, liveCheck.Errors(json))
    const { application, release, epoch } = json
    return { live: { application, release, epoch } }
  }
  if (!releaseCheck.Check(json)) throw misfit('releases', key, releaseCheck.Errors(json))
  const { application, release, state, definition } = json
  return { release: { application, release, state, views: definition.views } }
}

/**
 * Reads a value of the topic of positions.
 * @throws ControlRecordError
 */
export function parsePositionRecord(key: string, value: Buffer): PositionRecord {
  const json = parseJson('positions', key, value)
  if (!positionCheck.Check(json)) throw misfit('positions', key, positionCheck.Errors(json))
  return json
}

function parseJson(topic: string, key: string, value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'))
  } catch (error) {
    throw new ControlRecordError(topic, key, error instanceof Error ? error.message : String(error))
  }
}

function misfit(
  topic: string,
  key: string,
  errors: readonly { instancePath: string; message: string }[],
): ControlRecordError {
  const reasons = errors.slice(0, 5).map((e) => `${e.instancePath || 'the value'} ${e.message}`)
  return new ControlRecordError(topic, key, reasons.join('; '))
}
