import type { BrokerLink } from '../broker-link.ts'
import type { ErrorInfo } from '../errors.ts'
import type { QueuedMessage } from './pending-send.ts'

/** The answers of a broker that appended nothing to the partition, by what to do next. */
const REFUSALS = new Map<string, 'record' | 'later'>([
  ['MESSAGE_TOO_LARGE', 'record'],
  ['RECORD_LIST_TOO_LARGE', 'record'],
  ['INVALID_RECORD', 'record'],
  ['NOT_LEADER_FOR_PARTITION', 'later'],
  ['NOT_LEADER_OR_FOLLOWER', 'later'],
  ['LEADER_NOT_AVAILABLE', 'later'],
  ['UNKNOWN_TOPIC_OR_PARTITION', 'later'],
  ['NOT_ENOUGH_REPLICAS', 'later'],
  ['TOPIC_AUTHORIZATION_FAILED', 'later'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'later'],
])

/** `record`: one of the records is at fault; `later`: the broker can't now; undefined: doubtful. */
export function refusal(info: ErrorInfo): 'record' | 'later' | undefined {
  return info.type === undefined ? undefined : REFUSALS.get(info.type)
}

export interface PartitionFailure {
  readonly partition: number
  readonly error: unknown
  /** Records of the batch that went to this partition. */
  readonly records: number
}

/** The part of a batch that goes to one broker in one request. */
export class LeaderGroup {
  readonly #byPartition = new Map<number, QueuedMessage[]>()
  readonly #leader: number | undefined

  constructor(leader: number | undefined) {
    this.#leader = leader
  }

  add(partition: number, messages: QueuedMessage[]): void {
    this.#byPartition.set(partition, messages)
  }

  /** Gives the records that were appended their places; resolves with what was not. */
  async send(link: BrokerLink, topic: string, timeoutMs: number): Promise<PartitionFailure[]> {
    try {
      if (this.#leader === undefined) throw new Error(`a partition of "${topic}" has no leader`)
      const answers = await link.produce(this.#leader, topic, this.#byPartition, timeoutMs)
      return [...this.#byPartition].flatMap(([partition, messages]) => {
        const answer = answers.find((candidate) => candidate.partition === partition)
        const error = answer
          ? answer.error
          : new Error(`the answer leaves out partition ${partition}`)
        if (error) return [{ partition, error, records: messages.length }]
        let offset = answer?.baseOffset as bigint
        for (const message of messages) {
          message.send.place(message.index, partition, offset)
          offset += 1n
        }
        return []
      })
    } catch (error) {
      return this.failures(error)
    }
  }

  failures(error: unknown): PartitionFailure[] {
    return [...this.#byPartition].map(([partition, messages]) => ({
      partition,
      error,
      records: messages.length,
    }))
  }
}

/** Keeps the order of the messages within each partition. */
export function groupByLeader(
  batch: readonly QueuedMessage[],
  leaders: ReadonlyMap<number, number>,
): LeaderGroup[] {
  const byPartition = new Map<number, QueuedMessage[]>()
  let partition = -1
  let messages: QueuedMessage[] = []
  for (const message of batch) {
    if (message.partition !== partition) {
      partition = message.partition
      messages = byPartition.get(partition) ?? []
      if (messages.length === 0) byPartition.set(partition, messages)
    }
    messages.push(message)
  }
  const groups = new Map<number | undefined, LeaderGroup>()
  for (const [id, ofPartition] of byPartition) {
    const leader = leaders.get(id)
    const group = groups.get(leader) ?? new LeaderGroup(leader)
    groups.set(leader, group)
    group.add(id, ofPartition)
  }
  return [...groups.values()]
}
