import type { BrokerLink, Fetched, FetchRequest, OpenLink } from '../broker-link.ts'
import { errorInfo, isUnknownTopic, toKafkaError, unknownTopic } from '../errors.ts'
import { KafkaError } from '../port.ts'
import { delay, within } from '../time.ts'

const RETRY_MS = 100

/** Reads partitions without a consumer group, over one link that is made anew after any doubt. */
export class Reader {
  readonly #openLink: OpenLink
  readonly #timeoutMs: number
  #link: Promise<BrokerLink> | undefined
  #closed = false

  /** @param timeoutMs bound of each call, retries included */
  constructor(openLink: OpenLink, timeoutMs: number) {
    this.#openLink = openLink
    this.#timeoutMs = timeoutMs
  }

  fetch(request: FetchRequest): Promise<Fetched> {
    const { topic, partition, offset } = request
    return this.ask(topic, async (link) => {
      if (!link.leaders(topic).has(partition)) await link.refresh()
      const partitions = link.partitionCount(topic)
      if (partition < 0 || partition >= partitions) {
        const text = `"${topic}" has ${partitions} partitions: there is no partition ${partition}`
        throw new KafkaError('unknown_topic', text)
      }
      try {
        return await link.fetch(request)
      } catch (error) {
        if (errorInfo(error).type !== 'OFFSET_OUT_OF_RANGE') throw error
        const text = `Offset ${offset} of "${topic}" partition ${partition} is not in the log (any more)`
        throw new KafkaError('offset_out_of_range', text, { cause: error })
      }
    })
  }

  /** Asks again over new connections until `timeoutMs` have passed. */
  async ask<T>(topic: string, ask: (link: BrokerLink) => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#timeoutMs
    let unknown = 0
    for (;;) {
      if (this.#closed) throw new KafkaError('closed', 'The connection to Kafka is closed')
      let used: Promise<BrokerLink> | undefined
      try {
        const leftMs = Math.max(1, deadline - Date.now())
        used = this.#opened()
        const asking = used.then(async (link) => {
          await link.addTopic(topic)
          return ask(link)
        })
        return await within(asking, leftMs, () => new Error('no answer in time'))
      } catch (error) {
        if (error instanceof KafkaError) throw error
        this.#drop(used)
        // An older link may ask for another topic as well, which is gone by now.
        if (isUnknownTopic(error)) unknown += 1
        if (unknown > 1) throw unknownTopic(topic, error)
        if (!errorInfo(error).retriable || Date.now() + RETRY_MS >= deadline) {
          throw toKafkaError(error, `Reading "${topic}" failed`)
        }
        await delay(RETRY_MS)
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const link = this.#link
    this.#link = undefined
    await link?.then((open) => open.dispose()).catch(() => undefined)
  }

  #opened(): Promise<BrokerLink> {
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
  #drop(used: Promise<BrokerLink> | undefined): void {
    if (this.#link === used) this.#link = undefined
    used?.then((open) => open.abandon()).catch(() => undefined)
  }
}
