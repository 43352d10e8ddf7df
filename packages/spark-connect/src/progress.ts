import {
  asArray,
  asNumber,
  asObject,
  asText,
  type ExactJson,
  type ExactJsonObject,
  parseExactJson,
} from './json.ts'

export type SourceProgress = {
  description: string
  /** Offsets as the source writes them, numbers as text; null before the first batch. */
  startOffset: ExactJson
  endOffset: ExactJson
  latestOffset: ExactJson
  inputRows: number
  inputRowsPerSecond: number
  processedRowsPerSecond: number
  /** What the source says about itself, e.g. `maxOffsetsBehindLatest` of Kafka. */
  metrics: Record<string, string>
}

export type StateOperatorProgress = {
  operatorName: string
  rowsTotal: number
  rowsUpdated: number
  rowsRemoved: number
  /** Rows that the operator refused because they were older than the watermark. */
  rowsDroppedByWatermark: number
  memoryUsedBytes: number
  commitTimeMs: number
  customMetrics: Record<string, number>
}

/** One micro-batch (or an idle report) of a streaming query. Source: Spark's StreamingQueryProgress. */
export type StreamingQueryProgress = {
  id: string
  runId: string
  name: string | null
  /** When the trigger started, ISO 8601. */
  timestamp: string
  batchId: number
  batchDurationMs: number
  /** Parts of the batch by name, e.g. `addBatch`, `walCommit`, `triggerExecution`. */
  durationMs: Record<string, number>
  /** Sum over the sources; Spark leaves the total out of some reports. */
  inputRows: number
  sources: SourceProgress[]
  stateOperators: StateOperatorProgress[]
  /** ISO 8601; absent without a watermark. */
  watermark?: string
  eventTime: { avg?: string; max?: string; min?: string; watermark?: string }
  /** Values of `observe` by its name; numbers as text, so that int64 and decimals stay exact. */
  observedMetrics: Record<string, Record<string, ExactJson>>
  sink: { description: string /** Null if the sink does not count. */; outputRows: number | null }
}

/** Parses the JSON of StreamingQueryProgress. Throws if it is not that. */
export function parseProgress(json: string): StreamingQueryProgress {
  return progressOf(asObject(parseExactJson(json)))
}

/** Like parseProgress, from JSON that is parsed already (as it is nested in listener events). */
export function progressOf(json: ExactJsonObject): StreamingQueryProgress {
  if (asText(json.id) === '' || json.batchId === undefined) {
    throw new TypeError(`not a streaming query progress: ${JSON.stringify(json).slice(0, 200)}`)
  }
  const sources = asArray(json.sources).map(source)
  const eventTime = texts(json.eventTime)
  const sink = asObject(json.sink)
  const outputRows = asNumber(sink.numOutputRows ?? '-1')
  return {
    id: asText(json.id),
    runId: asText(json.runId),
    name: typeof json.name === 'string' ? json.name : null,
    timestamp: asText(json.timestamp),
    batchId: asNumber(json.batchId),
    batchDurationMs: asNumber(json.batchDuration),
    durationMs: numbers(json.durationMs),
    inputRows: sources.reduce((sum, { inputRows }) => sum + inputRows, 0),
    sources,
    stateOperators: asArray(json.stateOperators).map(stateOperator),
    ...(eventTime.watermark ? { watermark: eventTime.watermark } : {}),
    eventTime,
    observedMetrics: Object.fromEntries(
      Object.entries(asObject(json.observedMetrics)).map(([name, row]) => [name, metrics(row)]),
    ),
    sink: {
      description: asText(sink.description),
      outputRows: outputRows < 0 ? null : outputRows,
    },
  }
}

/**
 * Offsets of a Kafka source as topic -> partition -> next offset (text).
 * Throws if the value is not a Kafka source's; null (nothing read yet) gives an empty object.
 */
export function kafkaOffsets(offset: ExactJson): Record<string, Record<string, string>> {
  if (offset === null) return {}
  if (typeof offset !== 'object' || Array.isArray(offset)) throw notKafka(offset)
  const result: Record<string, Record<string, string>> = {}
  for (const [topic, partitions] of Object.entries(offset)) {
    const entries = Object.entries(asObject(partitions))
    if (entries.length === 0 || !entries.every(([, next]) => /^-?\d+$/.test(asText(next)))) {
      throw notKafka(offset)
    }
    result[topic] = Object.fromEntries(
      entries.map(([partition, next]) => [partition, asText(next)]),
    )
  }
  return result
}

function notKafka(offset: ExactJson): TypeError {
  return new TypeError(`not the offset of a Kafka source: ${JSON.stringify(offset).slice(0, 200)}`)
}

/** Over Connect a source's offset comes as JSON in a string in some reports, as JSON itself in others. */
function offset(value: ExactJson | undefined): ExactJson {
  return typeof value === 'string' && /^[{[]/.test(value) ? parseExactJson(value) : (value ?? null)
}

function source(value: ExactJson): SourceProgress {
  const json = asObject(value)
  return {
    description: asText(json.description),
    startOffset: offset(json.startOffset),
    endOffset: offset(json.endOffset),
    latestOffset: offset(json.latestOffset),
    inputRows: asNumber(json.numInputRows),
    inputRowsPerSecond: asNumber(json.inputRowsPerSecond),
    processedRowsPerSecond: asNumber(json.processedRowsPerSecond),
    metrics: texts(json.metrics),
  }
}

/** The listener bus sends a row as an object, recentProgress as its values beside its schema. */
function metrics(value: ExactJson): ExactJsonObject {
  const row = asObject(value)
  const fields = asArray(asObject(row.schema).fields)
  if (fields.length === 0 || !Array.isArray(row.values)) return row
  const { values } = row
  return Object.fromEntries(
    fields.map((field, index) => [asText(asObject(field).name), values[index] ?? null]),
  )
}

function stateOperator(value: ExactJson): StateOperatorProgress {
  const json = asObject(value)
  return {
    operatorName: asText(json.operatorName),
    rowsTotal: asNumber(json.numRowsTotal),
    rowsUpdated: asNumber(json.numRowsUpdated),
    rowsRemoved: asNumber(json.numRowsRemoved),
    rowsDroppedByWatermark: asNumber(json.numRowsDroppedByWatermark),
    memoryUsedBytes: asNumber(json.memoryUsedBytes),
    commitTimeMs: asNumber(json.commitTimeMs),
    customMetrics: numbers(json.customMetrics),
  }
}

function texts(value: ExactJson | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(asObject(value)).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  )
}

function numbers(value: ExactJson | undefined): Record<string, number> {
  return Object.fromEntries(
    Object.entries(asObject(value)).map(([key, text]) => [key, asNumber(text)]),
  )
}
