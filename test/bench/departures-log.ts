import { loadContracts } from '@kappa/contracts/load'
import { countFlightEvents, flightEvents, SAMPLE_PATH } from '@kappa/flights/sample/events'
import { connectKafka } from '@kappa/kafka/connect'
import type { OutgoingRecord, Producer } from '@kappa/kafka/port'
import type { Report } from '../../infra/setup/progress.mjs'
import type { Bench } from './bench-stack.ts'

const STREAM = 'flights.departures'
const RECORDS_PER_SEND = 1_000
const SENDS_IN_FLIGHT_MAX = 8
const TIMEOUT_MS = 60_000

/**
 * Writes departures, as ingest would as an import of history, until the topic holds as many as the
 * options ask for: over HTTP it would take long, and is measured elsewhere.
 * @returns how many were written
 */
export async function fillTopic(
  { options, stack }: Bench,
  target: { schemasFolder: string; topic: string; flights: number },
  report: Report,
): Promise<number> {
  const contract = (await loadContracts(target.schemasFolder)).get(target.topic)
  if (!contract) throw new Error(`There is no contract of ${target.topic}.`)
  const kafka = await connectKafka({
    brokers: [stack.kafkaBrokers],
    clientId: 'kappa-bench',
    requestTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: TIMEOUT_MS,
  })
  try {
    const { topic, partitions } = contract
    const config = { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1' }
    await kafka.admin.createTopics([{ topic, partitions, config }], TIMEOUT_MS)
    const producer = kafka.producer({ batchRecordsMax: RECORDS_PER_SEND * SENDS_IN_FLIGHT_MAX })
    const sends = new Sends(producer, topic)
    const copies = Math.ceil(options.events / target.flights)
    const accepted = Date.now()
    let written = 0
    report.detail('reading the flights')
    for await (const { topic: stream, event } of flightEvents(options.flightsCsv, copies)) {
      if (stream !== STREAM) continue
      const encoded = contract.encode(event)
      if (!encoded.ok) throw new Error(JSON.stringify(encoded.errors))
      const { key, value, id = '', eventTimeMs } = encoded
      const headers = { 'kappa-id': id, 'kappa-import': `${accepted};${eventTimeMs};0` }
      await sends.add({ key, value, headers })
      if (++written % RECORDS_PER_SEND === 0) {
        report.detail('')
        report.progress(written, copies * target.flights)
      }
    }
    await sends.finish()
    await producer.close()
    return written
  } finally {
    await kafka.close()
  }
}

/** Departures in one copy of the flights. */
export async function countDepartures(flightsCsv: string = SAMPLE_PATH): Promise<number> {
  return (await countFlightEvents(flightsCsv)).departures
}

/** Keeps a bounded number of sends in flight. */
class Sends {
  readonly #producer: Producer
  readonly #topic: string
  readonly #inFlight: Promise<unknown>[] = []
  #records: OutgoingRecord[] = []

  constructor(producer: Producer, topic: string) {
    this.#producer = producer
    this.#topic = topic
  }

  async add(record: OutgoingRecord): Promise<void> {
    this.#records.push(record)
    if (this.#records.length < RECORDS_PER_SEND) return
    this.#inFlight.push(this.#producer.send(this.#topic, this.#records))
    this.#records = []
    if (this.#inFlight.length >= SENDS_IN_FLIGHT_MAX) await this.#inFlight.shift()
  }

  async finish(): Promise<void> {
    if (this.#records.length > 0) await this.#producer.send(this.#topic, this.#records)
    await Promise.all(this.#inFlight)
  }
}
