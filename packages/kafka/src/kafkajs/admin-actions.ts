import { type Admin, Kafka as KafkaJs } from 'kafkajs'
import { toKafkaError } from '../errors.ts'
import type { AdminActions } from '../link-admin.ts'
import type { KafkaConfig, TopicSpec } from '../port.ts'
import { delay, settledWithin, within } from '../time.ts'
import { clientSettings, DISCONNECT_MS_MAX } from './settings.ts'
import { TrackedSockets } from './sockets.ts'

const RETRY_MS = 100
const DELETE_GROUP_TRIES_MAX = 50
const COORDINATOR_ERRORS = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
])

/** Each action has a client of its own: a group's coordinator and the controller are found by kafkajs. */
export class KafkaJsAdminActions implements AdminActions {
  readonly #config: KafkaConfig

  constructor(config: KafkaConfig) {
    this.#config = config
  }

  async deleteGroup(groupId: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#withAdmin(`delete group "${groupId}"`, (admin) => admin.deleteGroups([groupId]))
        return
      } catch (error) {
        const { groups = [] } = causeOf(error) as { groups?: { error?: { type?: string } }[] }
        const types = groups.map((group) => group.error?.type ?? '')
        if (types.length > 0 && types.every((type) => type === 'GROUP_ID_NOT_FOUND')) return
        // The coordinator of a broker that has just started loads its groups first; kafkajs does
        // not look at these errors, because they come inside a successful answer.
        const isLoading = types.some((type) => COORDINATOR_ERRORS.has(type))
        if (!isLoading || tries === DELETE_GROUP_TRIES_MAX) throw error
        await delay(RETRY_MS)
      }
    }
  }

  async listGroups(): Promise<string[]> {
    const { groups } = await this.#withAdmin('list groups', (admin) => admin.listGroups())
    return groups.map(({ groupId }) => groupId)
  }

  async createTopic(spec: TopicSpec, timeoutMs: number): Promise<boolean> {
    const configEntries = Object.entries(spec.config ?? {}).map(([name, value]) => ({
      name,
      value,
    }))
    return this.#withAdmin(`create topic "${spec.topic}"`, (admin) =>
      admin.createTopics({
        waitForLeaders: false,
        timeout: timeoutMs,
        topics: [
          {
            topic: spec.topic,
            numPartitions: spec.partitions,
            replicationFactor: spec.replicationFactor ?? -1,
            configEntries,
          },
        ],
      }),
    )
  }

  async deleteTopic(topic: string, timeoutMs: number): Promise<void> {
    await this.#withAdmin(`delete topic "${topic}"`, (admin) =>
      admin.deleteTopics({ topics: [topic], timeout: timeoutMs }),
    )
  }

  async #withAdmin<T>(what: string, act: (admin: Admin) => Promise<T>): Promise<T> {
    const sockets = new TrackedSockets()
    const admin = new KafkaJs({
      ...clientSettings(this.#config, sockets),
      retry: { retries: 2, initialRetryTime: RETRY_MS },
    }).admin()
    try {
      return await within(
        admin.connect().then(() => act(admin)),
        this.#config.connectTimeoutMs + this.#config.requestTimeoutMs,
        () => new Error('no answer in time'),
      )
    } catch (error) {
      throw toKafkaError(error, `Kafka did not ${what}`)
    } finally {
      await settledWithin(admin.disconnect(), DISCONNECT_MS_MAX)
      sockets.destroyAll()
    }
  }
}

function causeOf(error: unknown): object {
  return error instanceof Error && error.cause instanceof Error ? error.cause : {}
}
