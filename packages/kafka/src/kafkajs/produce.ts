import type { KafkaConfig } from '../port.ts'
import type { KafkaJsErrorInfo } from './errors.ts'
import type { Link } from './link.ts'
import type { QueuedMessage } from './pending-send.ts'

const ACKS_ALL = -1

/** The answers of a broker that appended nothing to the partition, by what to do next. */
const REFUSALS = new Map<string, 'record' | 'later'>([
  ['MESSAGE_TOO_LARGE', 'record'],
  ['RECORD_LIST_TOO_LARGE', 'record'],
  ['INVALID_RECORD', 'record'],
  ['NOT_LEADER_FOR_PARTITION', 'later'],
  ['LEADER_NOT_AVAILABLE', 'later'],
  ['UNKNOWN_TOPIC_OR_PARTITION', 'later'],
  ['NOT_ENOUGH_REPLICAS', 'later'],
  ['TOPIC_AUTHORIZATION_FAILED', 'later'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'later'],
])

/** `record`: one of the records is at fault; `later`: the broker can't now; undefined: doubtful. */
export function refusal(info: KafkaJsErrorInfo): 'record' | 'later' | undefined {
  return info.type === undefined ? undefined : REFUSALS.get(info.type)
}

/** The part of a batch that goes to one broker in one request. */
export class LeaderGroup {
  readonly messages: QueuedMessage[] = []
  readonly #byPartition = new Map<number, QueuedMessage[]>()
  readonly #leader: number | undefined

  constructor(leader: number | undefined) {
    this.#leader = leader
  }

  get partitions(): number {
    return this.#byPartition.size
  }

  add(message: QueuedMessage): void {
    this.messages.push(message)
    const sorted = this.#byPartition.get(message.partition)
    if (sorted) sorted.push(message)
    else this.#byPartition.set(message.partition, [message])
  }

  /** Resolves with undefined when every record has its place, else with what went wrong. */
  async send(link: Link, topic: string, config: KafkaConfig): Promise<unknown> {
    try {
      if (this.#leader === undefined) throw new Error(`a partition of "${topic}" has no leader`)
      const broker = await link.broker(this.#leader)
      const { topics } = await broker.produce({
        acks: ACKS_ALL,
        timeout: config.requestTimeoutMs,
        topicData: [
          {
            topic,
            partitions: [...this.#byPartition].map(([partition, messages]) => ({
              partition,
              firstSequence: 0,
              messages,
            })),
          },
        ],
      })
      const answered = topics.find(({ topicName }) => topicName === topic)?.partitions ?? []
      for (const partition of this.#byPartition.keys()) {
        if (!answered.some((answer) => answer.partition === partition)) {
          throw new Error(`the answer leaves out partition ${partition}`)
        }
      }
      for (const { partition, baseOffset } of answered) {
        let offset = BigInt(baseOffset)
        for (const message of this.#byPartition.get(partition) ?? []) {
          message.send.place(message.index, partition, offset)
          offset += 1n
        }
      }
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}

/** Keeps the order of the messages within each partition. */
export function groupByLeader(
  batch: readonly QueuedMessage[],
  leaders: ReadonlyMap<number, number>,
): LeaderGroup[] {
  const groups = new Map<number | undefined, LeaderGroup>()
  for (const message of batch) {
    const leader = leaders.get(message.partition)
    let group = groups.get(leader)
    if (!group) {
      group = new LeaderGroup(leader)
      groups.set(leader, group)
    }
    group.add(message)
  }
  return [...groups.values()]
}
