import type { OffsetsByPartition } from '@kappa/applications/offsets'
import type { UndecodableRecord } from '@kappa/applications/records'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { checkBinary } from '@kappa/contracts/check-binary'
import { parseForeignSchema } from '@kappa/contracts/foreign-schema'
import type { Schema } from '@kappa/contracts/schema'
import { parseWireFormat, WireFormatError } from '@kappa/contracts/wire-format'
import type { IncomingRecord, Kafka } from '@kappa/kafka/port'

export interface UndecodableBounds {
  /** Records that are listed: the newest. */
  readonly listedMax: number
  /** Records that are looked at for one batch of a stream: the newest of it. */
  readonly examinedMax: number
}

/** Offsets by partition: what a batch began with and where it ended (exclusive). */
export interface OffsetRange {
  readonly from: OffsetsByPartition
  readonly to: OffsetsByPartition
}

const recordsPerRead = 1_000

/**
 * Looks in the log for the records of a range that a release cannot decode. Spark counts them all;
 * this says where the newest are and why, for whoever has to find their producer.
 *
 * @returns at most `listedMax`, in order of their timestamps
 * @throws KafkaError when the log cannot be read
 */
export async function findUndecodable(
  kafka: Pick<Kafka, 'readAt'>,
  source: StreamSource,
  range: OffsetRange,
  bounds: UndecodableBounds,
): Promise<UndecodableRecord[]> {
  const explain = explainerOf(source)
  const partitions = Object.keys(range.to)
  const examinedMax = BigInt(Math.ceil(bounds.examinedMax / Math.max(1, partitions.length)))
  const found: { readonly record: UndecodableRecord; readonly timestamp: number }[] = []
  for (const partition of partitions) {
    const end = BigInt(range.to[partition] ?? 0)
    let next = BigInt(range.from[partition] ?? 0)
    if (end - next > examinedMax) next = end - examinedMax
    while (next < end) {
      const records = await kafka.readAt(source.topic, Number(partition), next, recordsPerRead)
      for (const record of records) {
        const reason = record.offset < end ? explain(record) : undefined
        if (reason === undefined) continue
        const { topic, offset, timestamp } = record
        const place = { topic, partition: Number(partition), offset: String(offset) }
        found.push({ record: { ...place, reason }, timestamp })
      }
      next = (records.at(-1)?.offset ?? end) + 1n
    }
    found.sort((a, b) => a.timestamp - b.timestamp)
    found.splice(0, Math.max(0, found.length - bounds.listedMax))
  }
  return found.map(({ record }) => record)
}

/** Tells why a release cannot decode a record; undefined when it can. */
function explainerOf(source: StreamSource): (record: IncomingRecord) => string | undefined {
  const schemas = new Map<number, Schema>()
  for (const { schemaId, schema } of source.versions) {
    schemas.set(schemaId, parseForeignSchema(schema).schema)
  }
  const refused = new Map(
    (source.undecodableVersions ?? []).map((version) => [version.schemaId, version]),
  )
  return ({ value }) => {
    if (value === null) return 'it has no value'
    try {
      const { schemaId, body } = parseWireFormat(value)
      const schema = schemas.get(schemaId)
      if (schema) {
        const problem = checkBinary(schema, body)
        return problem && `it is not Avro of its schema ${schemaId}: ${problem}`
      }
      const version = refused.get(schemaId)
      return version
        ? `it is of version ${version.version}, which this release cannot decode: ${version.reason}`
        : `its schema id ${schemaId} is unknown`
    } catch (error) {
      if (!(error instanceof WireFormatError)) throw error
      return `it is not in the wire format: ${error.message}`
    }
  }
}
