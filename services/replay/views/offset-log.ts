import type { OffsetsByTopic } from '@kappa/applications/offsets'
import { kafkaOffsetsJson } from '../spark/kafka-offsets.ts'

/**
 * A batch in Spark's offset log, version 1: what it reads, decided before it runs. A version line, a
 * line of metadata, then a line for each source in the order of the plan (`-` for one without
 * offsets): for Kafka `{"topic":{"0":12}}`.
 *
 * https://github.com/apache/spark/blob/v4.1.1/sql/core/src/main/scala/org/apache/spark/sql/execution/streaming/checkpointing/OffsetSeqLog.scala
 */
export interface OffsetLogEntry {
  readonly metadata: BatchMetadata
  /** Next offset to be read, source by source; a topic comes as often as the query reads it. */
  readonly sources: readonly OffsetsByTopic[]
}

export interface BatchMetadata {
  /** Epoch ms: state that is older goes at the end of the batch; rows, in the batch after it. */
  readonly batchWatermarkMs: number
  /** Epoch ms: what the batch takes for the current time, whenever it runs. */
  readonly batchTimestampMs: number
  /** Settings that are fixed for the checkpoint's life. */
  readonly conf: Readonly<Record<string, string>>
}

/** @throws Error when it is not of version 1 */
export function parseOffsetLog(text: string): OffsetLogEntry {
  const [metadata = '', ...lines] = linesOfVersion1(text, 'offset')
  const sources = lines
    .filter((line) => line.trim() !== '')
    .map((line) => (line === '-' ? {} : parseSource(line)))
  return { metadata: JSON.parse(metadata), sources }
}

export function formatOffsetLog({ metadata, sources }: OffsetLogEntry): string {
  return ['v1', JSON.stringify(metadata), ...sources.map(kafkaOffsetsJson)].join('\n')
}

/** Epoch ms: the watermark that the batch after this commit begins with. */
export function parseNextWatermark(text: string): number {
  const [commit = ''] = linesOfVersion1(text, 'commit')
  return (JSON.parse(commit) as { nextBatchWatermarkMs: number }).nextBatchWatermarkMs
}

function linesOfVersion1(text: string, log: string): string[] {
  const [version, ...lines] = text.split('\n')
  if (version !== 'v1') throw new Error(`The ${log} log has version ${version}, not v1.`)
  return lines
}

function parseSource(line: string): OffsetsByTopic {
  const topics = JSON.parse(line) as Record<string, Record<string, number>>
  return Object.fromEntries(
    Object.entries(topics).map(([topic, offsets]) => [
      topic,
      Object.fromEntries(
        Object.entries(offsets).map(([partition, offset]) => [partition, String(offset)]),
      ),
    ]),
  )
}
