import { createTopicsV4, deleteGroupsV1, deleteTopicsV3, listGroupsV4 } from '@platformatic/kafka'
import { errorInfo } from '../errors.ts'
import type { AdminActions } from '../link-admin.ts'
import type { KafkaConfig, TopicSpec } from '../port.ts'
import { RetryingLink } from '../retrying-link.ts'
import { PlatformaticLink } from './link.ts'

const BROKERS_DEFAULT = -1

export class PlatformaticAdminActions implements AdminActions {
  readonly #config: KafkaConfig

  constructor(config: KafkaConfig) {
    this.#config = config
  }

  createTopic(spec: TopicSpec, timeoutMs: number): Promise<boolean> {
    const topic = {
      name: spec.topic,
      numPartitions: spec.partitions,
      replicationFactor: spec.replicationFactor ?? BROKERS_DEFAULT,
      assignments: [],
      configs: Object.entries(spec.config ?? {}).map(([name, value]) => ({ name, value })),
    }
    return this.#act(`create topic "${spec.topic}"`, spec.topic, async (link) => {
      try {
        await link.ask(await link.controller(), createTopicsV4.api, [topic], timeoutMs, false)
        return true
      } catch (error) {
        if (errorInfo(error).type === 'TOPIC_ALREADY_EXISTS') return false
        throw error
      }
    })
  }

  async deleteTopic(topic: string, timeoutMs: number): Promise<void> {
    await this.#act(`delete topic "${topic}"`, topic, async (link) =>
      link.ask(await link.controller(), deleteTopicsV3.api, [{ name: topic }], timeoutMs),
    )
  }

  async deleteGroup(groupId: string): Promise<void> {
    await this.#act(`delete group "${groupId}"`, '', async (link) => {
      try {
        await link.ask(await link.coordinator('group', groupId), deleteGroupsV1.api, [groupId])
      } catch (error) {
        if (errorInfo(error).type !== 'GROUP_ID_NOT_FOUND') throw error
      }
    })
  }

  listGroups(): Promise<string[]> {
    return this.#act('list groups', '', async (link) => {
      const answers = await Promise.all(
        (await link.brokers()).map((nodeId) => link.ask(nodeId, listGroupsV4.api, [], [])),
      )
      return answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId))
    })
  }

  async #act<T>(
    what: string,
    topic: string,
    act: (link: PlatformaticLink) => Promise<T>,
  ): Promise<T> {
    const link = new RetryingLink(
      () => new PlatformaticLink(this.#config),
      this.#config.requestTimeoutMs,
    )
    try {
      return await link.ask(what, topic, act)
    } finally {
      await link.close()
    }
  }
}
