import { eventTimeBounds } from '@kappa/applications/event-time-bounds'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { decoderOf } from '@kappa/contracts/decoder'
import { traceHeader } from '@kappa/contracts/record-headers'
import { parseWireFormat } from '@kappa/contracts/wire-format'
import type { IncomingRecord, Kafka } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { ControlState } from '../control/control-state.ts'
import type { LoadedView } from '../loading/loaded-view.ts'

/** Partitions of a position whose last event is looked at; a batch of events may be in many. */
const eventsMax = 16

/** Tells a client that waits for an event when no row ever counts it: it was late, or early. */
export class UncountedEvents {
  readonly #kafka: Pick<Kafka, 'readAt'>
  readonly #control: Pick<ControlState, 'release'>

  constructor(kafka: Pick<Kafka, 'readAt'>, control: Pick<ControlState, 'release'>) {
    this.#kafka = kafka
    this.#control = control
  }

  /**
   * Looks at the last event before the position in each partition.
   * @returns the traces that these events name, as W3C traceparents
   * @throws ServiceError `not_counted` with the reason
   */
  async check(view: LoadedView, position: OffsetsByTopic): Promise<readonly string[]> {
    const { sources } = this.#control.release(view.application, view.release)?.definition ?? {}
    const places = Object.entries(position).flatMap(([topic, offsets]) =>
      Object.entries(offsets).map(([partition, next]) => ({
        topic,
        partition,
        next: BigInt(next),
      })),
    )
    const traces: string[] = []
    await Promise.all(
      places.slice(0, eventsMax).map(async ({ topic, partition, next }) => {
        const streams = Object.values(sources ?? {}).filter((source) => source.topic === topic)
        if (streams.length === 0 || next === 0n) return
        const offset = next - 1n
        // Deleted, unreadable, or Kafka is away: the rows are right all the same.
        const record = await this.#recordAt(topic, Number(partition), offset).catch(() => undefined)
        const trace = record?.headers[traceHeader]
        if (trace !== undefined) traces.push(trace.toString())
        const reason = record && reasonOf(record, streams)
        if (reason === undefined) return
        throw new ServiceError(
          'not_counted',
          `The event at ${topic}/${partition}/${offset} is in no row of ${view.application}/${view.name}: ${reason}`,
          { details: { topic, partition: Number(partition), offset: String(offset) } },
        )
      }),
    )
    return traces
  }

  /** undefined where that offset holds something else than a record. */
  async #recordAt(
    topic: string,
    partition: number,
    offset: bigint,
  ): Promise<IncomingRecord | undefined> {
    const [record] = await this.#kafka.readAt(topic, partition, offset, 1)
    return record?.offset === offset ? record : undefined
  }
}

/** Why no stream counts the event; undefined where one does, or nobody can say. */
function reasonOf(record: IncomingRecord, streams: readonly StreamSource[]): string | undefined {
  try {
    const reasons = streams.map((stream) => reasonAgainst(record, stream))
    return reasons.includes(undefined) ? undefined : reasons[0]
  } catch {
    return undefined
  }
}

/** undefined where the record counts, or nobody can say. */
function reasonAgainst(record: IncomingRecord, source: StreamSource): string | undefined {
  const { imported, acceptedMs, lowestMs, highestMs } = eventTimeBounds(record, source)
  const eventMs = eventTimeOf(record, source)
  if (imported || eventMs === undefined) return undefined
  const times = `its ${source.eventTime} is ${iso(eventMs)}, and it was accepted at ${iso(acceptedMs)}`
  if (eventMs < lowestMs) {
    return `it came too late; ${times}, more than ${source.latenessMs} ms later (\`lateness\` of the stream ${source.name}).`
  }
  if (eventMs > highestMs) {
    return `it is from the future; ${times}, more than ${source.earlinessMs} ms earlier.`
  }
  return undefined
}

function eventTimeOf(record: IncomingRecord, source: StreamSource): number | undefined {
  if (record.value === null) return undefined
  const { schemaId, body } = parseWireFormat(record.value)
  const version = source.versions.find((each) => each.schemaId === schemaId)
  if (version === undefined) return undefined
  const event = decoderOf(version.schema)(body)
  const time = (event as Readonly<Record<string, unknown>>)[source.eventTime]
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
