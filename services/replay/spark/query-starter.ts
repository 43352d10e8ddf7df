import { isDeepStrictEqual } from 'node:util'
import type { SparkSession } from '@kappa/spark-connect/session'
import { type Inputs, registerInputs } from './spark-views.ts'
import type { StreamsReading } from './stream-reading.ts'

/**
 * Starts the queries of a session one at a time. All of them use the same names for the streams, and
 * Spark looks at what a name stands for when it starts a query, never again: so the streams are
 * registered as the query is to read them, the query is started, and only then comes the next.
 */
export class QueryStarter {
  readonly #session: SparkSession
  readonly #inputs: Inputs
  readonly #kafka: Readonly<Record<string, string>>
  #registered: StreamsReading | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** @param kafka how Spark reaches Kafka, see `sparkKafkaOptions` */
  constructor(session: SparkSession, inputs: Inputs, kafka: Readonly<Record<string, string>>) {
    this.#session = session
    this.#inputs = inputs
    this.#kafka = kafka
  }

  /** @param start resolves when Spark has started the query */
  start<T>(reading: StreamsReading, start: (session: SparkSession) => Promise<T>): Promise<T> {
    const started = this.#turn.then(async () => {
      await this.#register(reading)
      return start(this.#session)
    })
    this.#turn = started.catch(() => undefined)
    return started
  }

  async #register(reading: StreamsReading): Promise<void> {
    if (isDeepStrictEqual(this.#registered, reading)) return
    this.#registered = undefined
    await registerInputs(this.#session, this.#inputs, this.#kafka, reading)
    this.#registered = reading
  }
}
