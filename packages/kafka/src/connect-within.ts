import { setTimeout as delay } from 'node:timers/promises'
import { connectKafka } from './connect.ts'
import { type Kafka, type KafkaConfig, KafkaError } from './port.ts'

const retryDelayMs = 500

interface KafkaStartConfig extends KafkaConfig {
  /** Longest wait for a Kafka that is not there yet. */
  readonly startTimeoutMs: number
}

interface ConnectWithinOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined
  readonly onWaiting: (reason: string) => void
}

/**
 * Connects to Kafka as `connectKafka` does, and waits for it when no broker answers, because what is
 * started together is not there in one moment.
 * @throws KafkaError `unavailable` with the last attempt's cause when the time is over; what the
 *   signal was aborted with
 */
export async function connectWithin(
  config: KafkaStartConfig,
  { signal, onWaiting }: ConnectWithinOptions,
): Promise<Kafka> {
  const { startTimeoutMs } = config
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    signal?.throwIfAborted()
    try {
      const kafka = await connectKafka(config)
      if (signal?.aborted) await kafka.close()
      signal?.throwIfAborted()
      return kafka
    } catch (error) {
      const isWaiting = error instanceof KafkaError && error.code === 'unavailable'
      if (!isWaiting) throw error
      if (Date.now() + retryDelayMs >= deadline) {
        throw new KafkaError(
          'unavailable',
          `Kafka at ${config.brokers.join(', ')} was not available within ${startTimeoutMs} ms (KAPPA_KAFKA_BROKERS, KAPPA_KAFKA_START_TIMEOUT_MS): ${error.message}`,
          { cause: error },
        )
      }
      onWaiting(error.message)
      await delay(retryDelayMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
