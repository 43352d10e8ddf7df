import {
  addPartitionsToTxnV1,
  type apiVersionsV2,
  createTopicsV4,
  deleteGroupsV1,
  deleteTopicsV3,
  endTxnV1,
  fetchV10,
  findCoordinatorV2,
  heartbeatV3,
  initProducerIdV1,
  joinGroupV5,
  leaveGroupV3,
  listOffsetsV4,
  metadataV7,
  offsetCommitV5,
  offsetFetchV5,
  protocolAPIsById,
  syncGroupV3,
} from '@platformatic/kafka'
import { KafkaError } from '../port.ts'
import { PRODUCE_API_KEY, PRODUCE_VERSION } from '../producing/produce-request.ts'

const NEEDED: readonly { readonly key: number; readonly version: number }[] = [
  { key: PRODUCE_API_KEY, version: PRODUCE_VERSION },
  addPartitionsToTxnV1.api,
  createTopicsV4.api,
  deleteGroupsV1.api,
  deleteTopicsV3.api,
  endTxnV1.api,
  fetchV10.api,
  findCoordinatorV2.api,
  heartbeatV3.api,
  initProducerIdV1.api,
  joinGroupV5.api,
  leaveGroupV3.api,
  listOffsetsV4.api,
  metadataV7.api,
  offsetCommitV5.api,
  offsetFetchV5.api,
  syncGroupV3.api,
]

type ApiVersions = Awaited<ReturnType<(typeof apiVersionsV2.api)['async']>>

/** @throws KafkaError `unsupported_broker` for a request whose version the broker does not speak. */
export function checkApiVersions({ apiKeys }: ApiVersions): void {
  const missing = NEEDED.flatMap(({ key, version }) => {
    const theirs = apiKeys.find(({ apiKey }) => apiKey === key)
    if (theirs && version >= theirs.minVersion && version <= theirs.maxVersion) return []
    const spoken = theirs ? `${theirs.minVersion} to ${theirs.maxVersion}` : 'none'
    const name = protocolAPIsById[key as keyof typeof protocolAPIsById]
    return [`${name} (needed: ${version}, spoken: ${spoken})`]
  })
  if (missing.length === 0) return
  throw new KafkaError(
    'unsupported_broker',
    `The broker lacks requests that Kappa needs: ${missing.join('; ')}. Use Kafka 2.4 or newer`,
  )
}
