/**
 * `raw-producer.ts <kafkajs|platformatic> <brokers> <topic> <batch> <in flight> <seconds>`: what a
 * program reaches that hands ready bytes to a client library, without HTTP, contracts, ids or
 * answers. Prints one line of JSON: `{"eventsPerSecond": …}`.
 */
import { Producer as PlatformaticProducer, stringSerializers } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { benchEvent } from './bench-stack.ts'

const [library, brokers = '', topic = '', batch = '', inFlight = '', seconds = ''] =
  process.argv.slice(2)
const WARM_UP_MS = 3_000

const values = Array.from({ length: Number(batch) }, (_, i) => benchEvent(i, Date.now()))
const keys = values.map((_, i) => `device-${String(i % 100).padStart(3, '0')}`)

const send = library === 'kafkajs' ? await kafkajsSend() : platformaticSend()
await load(WARM_UP_MS)
const durationMs = Number(seconds) * 1_000
const sent = await load(durationMs)
console.log(JSON.stringify({ eventsPerSecond: sent / Number(seconds) }))
process.exit(0)

/** Events acknowledged within the time. */
async function load(forMs: number): Promise<number> {
  const end = performance.now() + forMs
  let acknowledged = 0
  const worker = async () => {
    while (performance.now() < end) {
      await send()
      if (performance.now() < end) acknowledged += values.length
    }
  }
  await Promise.all(Array.from({ length: Number(inFlight) }, worker))
  return acknowledged
}

async function kafkajsSend(): Promise<() => Promise<unknown>> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  const messages = values.map((value, i) => ({ key: keys[i] ?? null, value }))
  return () => producer.send({ topic, acks: -1, messages })
}

function platformaticSend(): () => Promise<unknown> {
  const producer = new PlatformaticProducer({
    clientId: 'raw-producer',
    bootstrapBrokers: [brokers],
    serializers: stringSerializers,
  })
  const messages = values.map((value, i) => ({ topic, key: keys[i] ?? '', value }))
  return () => producer.send({ messages, acks: -1 })
}
