import type { BrokerLink } from './broker-link.ts'
import { errorInfo, isUnknownTopic, toKafkaError, unknownTopic } from './errors.ts'
import { KafkaError } from './port.ts'
import { delay, within } from './time.ts'

const RETRY_MS = 100

/** One link that all calls share, made anew after any doubt: for questions that may be repeated. */
export class RetryingLink<L extends BrokerLink = BrokerLink> {
  readonly #openLink: () => L
  readonly #timeoutMs: number
  #link: Promise<L> | undefined
  #closed = false

  /** @param timeoutMs bound of each question, retries included */
  constructor(openLink: () => L, timeoutMs: number) {
    this.#openLink = openLink
    this.#timeoutMs = timeoutMs
  }

  /**
   * Asks again over new connections until `timeoutMs` have passed.
   *
   * @param what ends the sentence "Kafka did not …"
   * @throws KafkaError what `ask` throws as one; `unknown_topic`, `unavailable`, `closed`
   */
  async ask<T>(what: string, topic: string, ask: (link: L) => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#timeoutMs
    for (;;) {
      if (this.#closed) throw new KafkaError('closed', 'The connection to Kafka is closed')
      const used = this.#opened()
      try {
        const leftMs = Math.max(1, deadline - Date.now())
        return await within(used.then(ask), leftMs, () => new Error('no answer in time'))
      } catch (error) {
        if (error instanceof KafkaError) throw error
        if (isUnknownTopic(error)) throw unknownTopic(topic, error)
        this.#drop(used)
        if (!errorInfo(error).retriable || Date.now() + RETRY_MS >= deadline) {
          throw toKafkaError(error, `Kafka did not ${what}`)
        }
        await delay(RETRY_MS)
      }
    }
  }

  /** The next question goes over new connections. */
  renew(): void {
    if (this.#link) this.#drop(this.#link)
  }

  async close(): Promise<void> {
    this.#closed = true
    const link = this.#link
    this.#link = undefined
    await link?.then((open) => open.dispose()).catch(() => undefined)
  }

  #opened(): Promise<L> {
    if (!this.#link) {
      const link = this.#openLink()
      this.#link = link.connect().then(
        () => link,
        (error: unknown) => {
          link.abandon()
          throw error
        },
      )
    }
    return this.#link
  }

  /** Only the link that failed: another call may have made a new one meanwhile. */
  #drop(used: Promise<L>): void {
    if (this.#link === used) this.#link = undefined
    used.then((open) => open.abandon()).catch(() => undefined)
  }
}
