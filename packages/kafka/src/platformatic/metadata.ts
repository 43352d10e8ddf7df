import type { metadataV7 } from '@platformatic/kafka'
import { errorFromCode, type LinkError } from './errors.ts'

type Response = Awaited<ReturnType<(typeof metadataV7.api)['async']>>

/** The leader of each partition; undefined where there is none now. */
export type TopicLeaders = readonly (number | undefined)[]

export interface ClusterMetadata {
  readonly controller: number | undefined
  readonly brokers: ReadonlyMap<number, { readonly host: string; readonly port: number }>
  readonly topics: ReadonlyMap<string, TopicLeaders>
}

/** @throws LinkError of the first topic at fault; a partition without a leader is no fault */
export async function metadataOf(answer: Promise<Response>): Promise<ClusterMetadata> {
  const response = await answer.catch((error: LinkError) => {
    // The library throws when a part of the answer is an error, one without a leader included.
    const { response: partial } = (error.cause ?? {}) as { response?: Response }
    if (!partial?.topics) throw error
    return partial
  })
  const brokers = new Map(
    response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]),
  )
  const topics = new Map<string, TopicLeaders>()
  for (const { name, errorCode, partitions } of response.topics) {
    if (errorCode !== 0) throw errorFromCode(errorCode)
    const leaders = partitions
      .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ leaderId }) => (leaderId < 0 ? undefined : leaderId))
    topics.set(name, leaders)
  }
  const controller = response.controllerId < 0 ? undefined : response.controllerId
  return { controller, brokers, topics }
}
