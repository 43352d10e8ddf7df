import { acceptedHeader, idHeader, importHeader } from '@kappa/contracts/record-headers'
import { type Static, Type } from 'typebox'
import type { ReadonlyDeep } from './readonly-deep.ts'
import { quoteName, quoteText } from './spark-sql.ts'
import { type Throttle, throttleCondition } from './throttle.ts'

/** What a release reads of a topic, and how it is decoded and judged. */
export const streamSource = Type.Object({
  name: Type.String({ minLength: 1 }),
  topic: Type.String({ minLength: 1 }),
  eventTime: Type.String({ minLength: 1 }),
  latenessMs: Type.Integer({ minimum: 0 }),
  earlinessMs: Type.Integer({ minimum: 0 }),
  importDisorderMaxMs: Type.Integer({
    minimum: 0,
    description: 'The largest disorder that an import into the topic may declare.',
  }),
  columns: Type.Array(Type.String(), {
    description: 'Columns of the newest version, in its order.',
  }),
  versions: Type.Array(Type.Object({ schemaId: Type.Integer(), schema: Type.String() }), {
    description: 'The versions that this release decodes, whatever came after it was started.',
  }),
  undecodableVersions: Type.Optional(
    Type.Array(
      Type.Object({
        version: Type.Integer({ minimum: 1 }),
        schemaId: Type.Integer(),
        reason: Type.String(),
      }),
      { description: 'Versions of the contract that `readerSchema` cannot read, and why.' },
    ),
  ),
  readerSchema: Type.String({ description: 'The schema that all versions are decoded to.' }),
})

export type StreamSource = ReadonlyDeep<Static<typeof streamSource>>

/** How one query reads the stream; no row depends on it. */
export interface StreamReading {
  /**
   * Added to the narrow delay of the watermark, ms: how far apart in event time what is read and
   * what is still unread can be while batches do not take all that is in the log.
   */
  readonly watermarkSlackMs: number
  readonly throttle?: Throttle
}

/**
 * How a topic becomes a stream, as Spark SQL expressions to be applied in the order of the fields:
 * read the records, decode them, count what will be refused, keep what is on time, deduplicate.
 */
export interface StreamPlan {
  readonly name: string
  readonly topic: string
  /** Over Kafka's columns: a condition that every record meets, and that takes its time. */
  readonly throttle?: string
  /** Over Kafka's columns (value, headers, topic, partition, offset, timestamp). */
  readonly envelope: readonly string[]
  /** Over the envelope. */
  readonly decoded: readonly string[]
  readonly observation: { readonly name: string; readonly metrics: readonly string[] }
  readonly onTime: string
  readonly watermark: { readonly column: string; readonly delay: string }
  readonly deduplicateBy: readonly string[]
  readonly output: readonly string[]
}

/**
 * Longest time between the accept time of a record and its place in the log, for which a batch that
 * was cut in between must not have moved the watermark past it: producers give up after less.
 */
export const appendDelayMaxMs = 5 * 60_000

/**
 * The delay of the watermark, ms, that drops nothing as long as a micro-batch takes everything that
 * is in the log: whatever it does not contain was appended after it was cut, and so was accepted at
 * most `appendDelayMaxMs` before.
 */
export function narrowDelayMs(source: StreamSource): number {
  const { latenessMs, earlinessMs, importDisorderMaxMs } = source
  return Math.max(latenessMs + earlinessMs, importDisorderMaxMs) + appendDelayMaxMs
}

/**
 * The lateness rule (P2): an event counts if `accepted - lateness <= event time <= accepted +
 * earliness`, or if it was imported. It looks at the event alone, so that every run decides alike;
 * the watermark only frees state and is wide enough to drop nothing.
 */
export function planStream(source: StreamSource, reading: StreamReading): StreamPlan {
  const eventTime = quoteName(source.eventTime)
  const lateness = interval(source.latenessMs)
  const earliness = interval(source.earlinessMs)
  const late = `NOT _imported AND ${eventTime} < _accepted - ${lateness}`
  const early = `NOT _imported AND ${eventTime} > _accepted + ${earliness}`
  const undecodable = `${eventTime} IS NULL`
  const onTime = `${eventTime} IS NOT NULL AND (_imported OR ${eventTime} BETWEEN _accepted - ${lateness} AND _accepted + ${earliness})`
  const delayMs = narrowDelayMs(source) + reading.watermarkSlackMs
  return {
    name: source.name,
    topic: source.topic,
    ...(reading.throttle && { throttle: throttleCondition(reading.throttle) }),
    envelope: [
      `CASE ${source.versions.map((version) => decode(version, source.readerSchema)).join(' ')} END AS _record`,
      `${header(idHeader)} AS _header_id`,
      `${header(acceptedHeader)} AS _header_accepted`,
      `${header(importHeader)} AS _header_import`,
      'topic AS _topic',
      'partition AS _partition',
      'offset AS _offset',
      'timestamp AS _timestamp',
    ],
    decoded: [
      ...source.columns.map((column) => `_record.${quoteName(column)} AS ${quoteName(column)}`),
      "coalesce(_header_id, concat_ws('/', _topic, _partition, _offset)) AS _id",
      "coalesce(timestamp_millis(try_cast(coalesce(_header_accepted, substring_index(_header_import, ';', 1)) AS BIGINT)), _timestamp) AS _accepted",
      '_header_import IS NOT NULL AS _imported',
    ],
    observation: {
      name: observationName(source.name),
      metrics: [
        'count(*) AS read_events',
        `count_if(${undecodable}) AS undecodable_events`,
        `count_if(${late}) AS late_events`,
        `count_if(${early}) AS early_events`,
        'unix_millis(max(_accepted)) AS newest_accepted_ms',
        `unix_millis(min(CASE WHEN ${onTime} THEN ${eventTime} END)) AS oldest_event_ms`,
      ],
    },
    onTime,
    watermark: { column: source.eventTime, delay: `${delayMs} milliseconds` },
    deduplicateBy: ['_id', source.eventTime],
    output: [...source.columns.map(quoteName), '_id'],
  }
}

/** Under which name Spark reports what was counted of a stream. */
export function observationName(stream: string): string {
  return `stream_${stream}`
}

/** Confluent wire format: a zero byte, the schema's id in four bytes, Avro. What cannot be decoded becomes null. */
function decode(version: { schemaId: number; schema: string }, readerSchema: string): string {
  const id = version.schemaId.toString(16).padStart(8, '0').toUpperCase()
  const options = `map('mode', 'PERMISSIVE', 'avroSchema', ${quoteText(readerSchema)})`
  return `WHEN substring(value, 1, 5) = X'00${id}' THEN from_avro(substring(value, 6), ${quoteText(version.schema)}, ${options})`
}

/**
 * The last header of that name, as text; null without one. A lambda would be shorter, but Spark
 * interprets those, and generates no code for what stands beside them.
 */
function header(name: string): string {
  const position = `array_position(reverse(headers.key), ${quoteText(name)})`
  return `CAST(try_element_at(reverse(headers.value), nullif(CAST(${position} AS INT), 0)) AS STRING)`
}

function interval(milliseconds: number): string {
  return `INTERVAL '${Math.floor(milliseconds / 1_000)}.${String(milliseconds % 1_000).padStart(3, '0')}' SECOND`
}
