import { EARLIEST, LATEST, type OpenLink } from './broker-link.ts'
import { isUnknownTopic } from './errors.ts'
import { type KafkaAdmin, KafkaError, type PartitionOffset, type TopicSpec } from './port.ts'
import { RetryingLink } from './retrying-link.ts'
import { delay, within } from './time.ts'

const POLL_MS = 50

/** What changes something, as each library does it. A failure is a KafkaError. */
export interface AdminActions {
  /** false when it was there already. */
  createTopic(spec: TopicSpec, timeoutMs: number): Promise<boolean>
  /** @throws an error that `isUnknownTopic` knows, when it is not there */
  deleteTopic(topic: string, timeoutMs: number): Promise<void>
  /** One that is not there is nothing. */
  deleteGroup(groupId: string): Promise<void>
  listGroups(): Promise<string[]>
}

export class LinkAdmin implements KafkaAdmin {
  readonly #link: RetryingLink
  readonly #actions: AdminActions

  constructor(openLink: OpenLink, requestTimeoutMs: number, actions: AdminActions) {
    this.#link = new RetryingLink(openLink, requestTimeoutMs)
    this.#actions = actions
  }

  async createTopics(specs: readonly TopicSpec[], timeoutMs: number): Promise<string[]> {
    const deadline = Date.now() + timeoutMs
    const existing = new Set(await this.listTopics())
    const created: string[] = []
    for (const spec of specs) {
      if (existing.has(spec.topic)) continue
      const leftMs = Math.max(1, deadline - Date.now())
      if (await this.#actions.createTopic(spec, leftMs)) created.push(spec.topic)
    }
    for (const { topic } of specs) {
      await this.#until(deadline, `"${topic}" has no leader for every partition`, () =>
        this.#isReady(topic),
      )
    }
    return created
  }

  async deleteTopics(topics: readonly string[], timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (const topic of topics) {
      try {
        await this.#actions.deleteTopic(topic, Math.max(1, deadline - Date.now()))
      } catch (error) {
        if (!isUnknownTopic(error)) throw error
      }
    }
    for (const topic of topics) {
      await this.#until(deadline, `"${topic}" is still there`, async () => {
        return (await this.partitionCount(topic)) === undefined
      })
    }
  }

  listTopics(): Promise<string[]> {
    return this.#link.ask('list topics', '', (link) => link.topics())
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    try {
      return (await this.#leaders(topic)).length
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'unknown_topic') return undefined
      throw error
    }
  }

  beginOffsets(topic: string): Promise<PartitionOffset[]> {
    return this.#link.ask(`tell the begin offsets of "${topic}"`, topic, (link) =>
      link.listOffsets(topic, EARLIEST),
    )
  }

  endOffsets(topic: string): Promise<PartitionOffset[]> {
    return this.#link.ask(`tell the end offsets of "${topic}"`, topic, (link) =>
      link.listOffsets(topic, LATEST),
    )
  }

  offsetsAt(topic: string, timestamp: number): Promise<PartitionOffset[]> {
    return this.#link.ask(`tell the offsets of "${topic}" at ${timestamp}`, topic, async (link) => {
      const found = await link.listOffsets(topic, timestamp)
      const ends = await link.listOffsets(topic, LATEST)
      return found.map(({ partition, offset }) => {
        const end = ends.find((candidate) => candidate.partition === partition)
        return { partition, offset: offset < 0n && end ? end.offset : offset }
      })
    })
  }

  listGroups(): Promise<string[]> {
    return this.#actions.listGroups()
  }

  deleteGroup(groupId: string): Promise<void> {
    return this.#actions.deleteGroup(groupId)
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  #leaders(topic: string): Promise<readonly (number | undefined)[]> {
    return this.#link.ask(`describe "${topic}"`, topic, (link) => link.describe(topic))
  }

  async #isReady(topic: string): Promise<boolean> {
    const leaders = await this.#leaders(topic)
    return leaders.length > 0 && leaders.every((leader) => leader !== undefined)
  }

  async #until(deadline: number, problem: string, done: () => Promise<boolean>): Promise<void> {
    let cause: unknown
    for (;;) {
      try {
        if (await within(done(), Math.max(1, deadline - Date.now()), () => new Error('timeout')))
          return
        cause = undefined
      } catch (error) {
        cause = error
        if (error instanceof KafkaError && error.code === 'closed') throw error
      }
      if (Date.now() + POLL_MS >= deadline) {
        throw new KafkaError('unavailable', `After the time given, ${problem}`, { cause })
      }
      await delay(POLL_MS)
    }
  }
}
