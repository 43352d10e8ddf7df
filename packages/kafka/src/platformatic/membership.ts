import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
  heartbeatV3,
  joinGroupV5,
  leaveGroupV3,
  offsetCommitV5,
  offsetFetchV5,
  syncGroupV3,
} from '@platformatic/kafka'
import { errorInfo } from '../errors.ts'
import { type KafkaConfig, KafkaError } from '../port.ts'
import { within } from '../time.ts'
import { toLinkError } from './errors.ts'
import { PlatformaticLink } from './link.ts'

/** kafkajs's name of the assignor, so that members with either library can share a group. */
const ASSIGNOR = 'RoundRobinAssigner'
const PROTOCOL_VERSION = 1

export interface Assigned {
  readonly topic: string
  readonly partitions: number[]
}

export interface MembershipOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
}

/** One member of a consumer group: what it says to the group's coordinator, over a link of its own. */
export class Membership {
  readonly #config: KafkaConfig
  readonly #options: MembershipOptions
  readonly #joinMsMax: number
  #link: PlatformaticLink | undefined
  #coordinator = -1
  #closed = false
  #memberId = ''
  #generation = -1

  constructor(config: KafkaConfig, options: MembershipOptions) {
    this.#options = options
    // The coordinator answers when every member has joined, or after the session's time.
    this.#joinMsMax = config.requestTimeoutMs + 2 * options.sessionTimeoutMs
    this.#config = { ...config, requestTimeoutMs: this.#joinMsMax }
  }

  /** Becomes a member, or one again after a rebalance. */
  async join(): Promise<Assigned[]> {
    const { groupId, sessionTimeoutMs, topics } = this.#options
    const metadata = encodeConsumerProtocolSubscription({
      version: PROTOCOL_VERSION,
      topics: [...topics],
    })
    const joining = () =>
      this.#ask(this.#joinMsMax, (link) =>
        link.ask(
          this.#coordinator,
          joinGroupV5.api,
          groupId,
          sessionTimeoutMs,
          sessionTimeoutMs,
          this.#memberId,
          null,
          'consumer',
          [{ name: ASSIGNOR, metadata }],
        ),
      )
    const joined = await joining().catch((error: unknown) => {
      const memberId = memberIdOf(error)
      if (memberId === undefined) throw error
      this.#memberId = memberId
      return joining()
    })
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    const assignments = joined.leader === joined.memberId ? await this.#assign(joined.members) : []
    const { assignment } = await this.#ask(this.#joinMsMax, (link) =>
      link.ask(
        this.#coordinator,
        syncGroupV3.api,
        groupId,
        this.#generation,
        this.#memberId,
        null,
        null,
        null,
        assignments,
      ),
    )
    if (assignment.length === 0) return []
    return decodeConsumerProtocolAssignment(assignment).assignedPartitions
  }

  async heartbeat(timeoutMs: number): Promise<void> {
    const { groupId } = this.#options
    await this.#ask(timeoutMs, (link) =>
      link.ask(this.#coordinator, heartbeatV3.api, groupId, this.#generation, this.#memberId, null),
    )
  }

  /** Next offsets by partition; those without one are left out. */
  async committed(assigned: readonly Assigned[], timeoutMs: number) {
    const topics = assigned.map(({ topic, partitions }) => ({
      name: topic,
      partitionIndexes: partitions,
    }))
    const response = await this.#ask(timeoutMs, (link) =>
      link.ask(
        this.#coordinator,
        offsetFetchV5.api,
        [{ groupId: this.#options.groupId, topics }],
        false,
      ),
    )
    return response.topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => ({
          topic: name,
          partition: partitionIndex,
          offset: committedOffset,
        })),
    )
  }

  async commit(
    offsets: readonly { topic: string; partition: number; offset: bigint }[],
    timeoutMs: number,
  ): Promise<void> {
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, places]) => ({
      name,
      partitions: places.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: null,
      })),
    }))
    await this.#ask(timeoutMs, (link) =>
      link.ask(
        this.#coordinator,
        offsetCommitV5.api,
        this.#options.groupId,
        this.#generation,
        this.#memberId,
        null,
        topics,
      ),
    )
  }

  async leave(timeoutMs: number): Promise<void> {
    if (this.#memberId === '' || !this.#link) return
    const member = { memberId: this.#memberId }
    this.#memberId = ''
    await this.#ask(timeoutMs, (link) =>
      link.ask(this.#coordinator, leaveGroupV3.api, this.#options.groupId, [member]),
    )
  }

  /** After an error: the next request finds the coordinator anew. */
  drop(): void {
    this.#link?.abandon()
    this.#link = undefined
  }

  close(): void {
    this.#closed = true
    this.drop()
  }

  /** The coordinator does not know this member any more. */
  forget(): void {
    this.#memberId = ''
    this.#generation = -1
  }

  async #ask<T>(timeoutMs: number, ask: (link: PlatformaticLink) => Promise<T>): Promise<T> {
    const late = () => new Error(`the group's coordinator did not answer within ${timeoutMs} ms`)
    try {
      return await within(this.#opened().then(ask), timeoutMs, late)
    } catch (error) {
      const { type } = errorInfo(error)
      // Without an answer, or from one that is not the coordinator: the next request looks for it.
      if (
        type === undefined ||
        type === 'NOT_COORDINATOR' ||
        type === 'COORDINATOR_NOT_AVAILABLE'
      ) {
        this.drop()
      }
      throw error instanceof KafkaError ? error : toLinkError(error)
    }
  }

  async #opened(): Promise<PlatformaticLink> {
    if (this.#closed) throw new KafkaError('closed', 'The consumer is closed')
    if (this.#link) return this.#link
    const link = new PlatformaticLink(this.#config)
    this.#link = link
    try {
      await link.connect()
      this.#coordinator = await link.coordinator('group', this.#options.groupId)
    } catch (error) {
      link.abandon()
      if (this.#link === link) this.#link = undefined
      throw error
    }
    return link
  }

  /** Round robin over the members in the order of their ids, for the topics that each wants. */
  async #assign(members: readonly { memberId: string; metadata: Buffer }[]) {
    const wanted = members
      .map(({ memberId, metadata }) => ({
        memberId,
        topics: decodeConsumerProtocolSubscription(metadata).topics,
        assigned: new Map<string, number[]>(),
      }))
      .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    const link = await this.#opened()
    let turn = 0
    for (const topic of new Set(wanted.flatMap(({ topics }) => topics))) {
      const takers = wanted.filter(({ topics }) => topics.includes(topic))
      const partitions = (await link.describe(topic)).length
      for (let partition = 0; partition < partitions; partition += 1) {
        const { assigned } = takers[turn % takers.length] as (typeof takers)[number]
        assigned.set(topic, [...(assigned.get(topic) ?? []), partition])
        turn += 1
      }
    }
    return wanted.map(({ memberId, assigned }) => ({
      memberId,
      assignment: encodeConsumerProtocolAssignment({
        version: PROTOCOL_VERSION,
        assignedPartitions: [...assigned].map(([topic, partitions]) => ({ topic, partitions })),
      }),
    }))
  }
}

/** A first join is answered with the id to join with. */
function memberIdOf(error: unknown): string | undefined {
  if (errorInfo(error).type !== 'MEMBER_ID_REQUIRED') return undefined
  const { response } = ((error as Error).cause ?? {}) as { response?: { memberId?: string } }
  return response?.memberId
}
