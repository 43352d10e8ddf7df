import { type IncomingRecord, type Kafka, KafkaError } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'

const recordsPerReadMax = 256

/** Where one record of the topic of rejected events is, and whose it is. */
export interface StoredPlace {
  readonly id: string
  readonly partition: number
  readonly offset: bigint
}

/** Reads single records of the topic of rejected events. */
export class StoredRecords {
  readonly #kafka: Pick<Kafka, 'readAt'>
  readonly #topic: string

  constructor(kafka: Pick<Kafka, 'readAt'>, topic: string) {
    this.#kafka = kafka
    this.#topic = topic
  }

  /**
   * The records of the places, in their order; undefined for what Kafka has deleted. The caller
   * bounds how many there are and their bytes.
   * @throws ServiceError `kafka_unavailable`
   */
  async read(places: readonly StoredPlace[]): Promise<(IncomingRecord | undefined)[]> {
    const partitions = Map.groupBy(places, ({ partition }) => partition)
    const found = new Map<string, IncomingRecord>()
    for (const [partition, wanted] of partitions) {
      await this.#readPartition(partition, wanted, found)
    }
    return places.map(({ id, partition, offset }) => {
      const record = found.get(`${partition}/${offset}`)
      // The topic may have been deleted and made again since.
      return record?.key?.toString('utf8') === id ? record : undefined
    })
  }

  async #readPartition(
    partition: number,
    wanted: readonly StoredPlace[],
    found: Map<string, IncomingRecord>,
  ): Promise<void> {
    const offsets = [...new Set(wanted.map(({ offset }) => offset))].sort((one, other) =>
      one < other ? -1 : 1,
    )
    const last = offsets.at(-1) ?? 0n
    let next = 0
    while (next < offsets.length) {
      const offset = offsets[next] as bigint
      const span = last - offset + 1n
      const recordsMax = span < recordsPerReadMax ? Number(span) : recordsPerReadMax
      const records = await this.#readAt(partition, offset, recordsMax)
      const byOffset = new Map(records.map((record) => [record.offset, record]))
      const reached = records.at(-1)?.offset ?? offset
      for (; next < offsets.length && (offsets[next] as bigint) <= reached; next++) {
        const record = byOffset.get(offsets[next] as bigint)
        if (record !== undefined) found.set(`${partition}/${record.offset}`, record)
      }
      // Nothing at or after the offset: it is gone.
      if (records.length === 0) next++
    }
  }

  async #readAt(partition: number, offset: bigint, recordsMax: number): Promise<IncomingRecord[]> {
    try {
      return await this.#kafka.readAt(this.#topic, partition, offset, recordsMax)
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'offset_out_of_range') return []
      const reason = error instanceof Error ? error.message : String(error)
      throw new ServiceError(
        'kafka_unavailable',
        `Rejected events cannot be read from Kafka now (${reason}). Nothing was changed; ask again.`,
        { retryAfterSeconds: 2, cause: error },
      )
    }
  }
}
