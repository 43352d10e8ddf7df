import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '@kappa/test/until'
import type { RestartableKafka } from '../restartable-kafka.ts'
import {
  audit,
  configFor,
  type Harness,
  newTopic,
  placed,
  textRecord,
  uniqueName,
} from './harness.ts'

const SENDERS = 8
const SENT_EACH_TIME = 500
/** Longer than a broker needs to come back on a busy machine. */
const OUTAGE_MS_MAX = 120_000

/** One restart for all: each client sends and receives while the broker is killed and comes back. */
export function restartConformance(
  clients: Readonly<Record<string, Omit<Harness, 'brokers'>>>,
  broker: () => RestartableKafka,
): void {
  const names = Object.keys(clients).join(', ')
  test(`${names}: P1 a broker that is killed and comes back loses nothing that was acknowledged, and everything goes on`, async () => {
    const harnesses = Object.values(clients).map((client) => ({
      ...client,
      brokers: [broker().broker],
    }))
    const runs = await Promise.all(harnesses.map((harness) => Run.start(harness)))
    try {
      await Promise.all(runs.map((run) => run.moreAcknowledged()))
      await broker().kill()
      await broker().restart()
      await Promise.all(runs.map((run) => run.moreAcknowledged()))
      await Promise.all(runs.map((run) => run.finish()))
    } finally {
      await Promise.all(runs.map((run) => run.kafka.close()))
    }
  })
}

/** A client that sends and receives all the time. */
class Run {
  readonly kafka: Awaited<ReturnType<Harness['connect']>>
  readonly #harness: Harness
  readonly #topic: string
  readonly #acknowledged: string[] = []
  readonly #received = new Set<string>()
  #stopping = false
  #senders: Promise<unknown> = Promise.resolve()

  static async start(harness: Harness): Promise<Run> {
    const bounds = { requestTimeoutMs: 2_000, connectTimeoutMs: 1_000 }
    const kafka = await harness.connect(configFor(harness.brokers, bounds))
    const run = new Run(kafka, harness, await newTopic(kafka, 3))
    await run.#begin()
    return run
  }

  private constructor(kafka: Run['kafka'], harness: Harness, topic: string) {
    this.kafka = kafka
    this.#harness = harness
    this.#topic = topic
  }

  async moreAcknowledged(): Promise<void> {
    const before = this.#acknowledged.length
    await until(
      () => this.#acknowledged.length,
      (count) => count > before + SENT_EACH_TIME,
      OUTAGE_MS_MAX,
    )
  }

  async finish(): Promise<void> {
    this.#stopping = true
    await this.#senders
    const log = await audit(this.#harness, this.#topic)
    const found = new Set(log.map((record) => placed(record.value, record)))
    assert.deepEqual(
      this.#acknowledged.filter((text) => !found.has(text)),
      [],
    )
    const inLog = new Set(log.map(({ value }) => String(value)))
    await until(
      () => this.#received.size,
      (size) => size === inLog.size,
      OUTAGE_MS_MAX,
    )
    const transactional = await this.kafka.transactionalProducer(uniqueName('restart'))
    await transactional.commit([{ topic: this.#topic, ...textRecord('k', 'after the restart') }])
  }

  async #begin(): Promise<void> {
    await this.kafka.consumer({
      groupId: uniqueName('restart'),
      topics: [this.#topic],
      from: 'beginning',
      outageMsMax: OUTAGE_MS_MAX,
      onBatch: async ({ records }) => {
        for (const { value } of records) this.#received.add(String(value))
        return undefined
      },
    })
    const producer = this.kafka.producer({ deliveryTimeoutMs: OUTAGE_MS_MAX })
    this.#senders = Promise.all(
      Array.from({ length: SENDERS }, async (_, sender) => {
        for (let i = 0; !this.#stopping; i += 1) {
          const text = `${sender}/${i}`
          const [place] = await producer.send(this.#topic, [textRecord(text, text)])
          assert.ok(place)
          this.#acknowledged.push(placed(text, place))
        }
      }),
    )
    this.#senders.catch(() => undefined)
  }
}
