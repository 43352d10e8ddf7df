import type { BrokerLink, Fetched, FetchRequest, OpenLink } from '../broker-link.ts'
import { errorInfo } from '../errors.ts'
import { KafkaError } from '../port.ts'
import { RetryingLink } from '../retrying-link.ts'

/** Reads partitions without a consumer group. */
export class Reader {
  readonly #link: RetryingLink

  /** @param timeoutMs bound of each call, retries included */
  constructor(openLink: OpenLink, timeoutMs: number) {
    this.#link = new RetryingLink(openLink, timeoutMs)
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

  async ask<T>(topic: string, ask: (link: BrokerLink) => Promise<T>): Promise<T> {
    const what = `let "${topic}" be read`
    const asking = async (link: BrokerLink): Promise<T> => {
      await link.addTopic(topic)
      return ask(link)
    }
    try {
      return await this.#link.ask(what, topic, asking)
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== 'unknown_topic') throw error
      // The link may know a topic of that name that was deleted, or ask for another one that was.
      this.#link.renew()
      return await this.#link.ask(what, topic, asking)
    }
  }

  close(): Promise<void> {
    return this.#link.close()
  }
}
