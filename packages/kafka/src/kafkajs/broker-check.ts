import { KafkaError } from '../port.ts'
import { type Broker, kafkaJsApiKeys, kafkaJsRequests } from './internals.ts'

const NEEDED = [
  'Produce',
  'Fetch',
  'ListOffsets',
  'Metadata',
  'OffsetCommit',
  'OffsetFetch',
  'GroupCoordinator',
  'JoinGroup',
  'Heartbeat',
  'LeaveGroup',
  'SyncGroup',
  'CreateTopics',
  'DeleteTopics',
  'InitProducerId',
  'AddPartitionsToTxn',
  'EndTxn',
  'DeleteGroups',
]

export type ApiVersions = NonNullable<Broker['versions']>

/** @throws KafkaError `unsupported_broker` for a request without a version that both sides speak. */
export function checkApiVersions(broker: ApiVersions): void {
  const missing = NEEDED.flatMap((name) => {
    const ours = (kafkaJsRequests[name]?.versions ?? []).map(Number)
    const theirs = broker[kafkaJsApiKeys[name] ?? -1]
    if (theirs && ours.some((v) => v >= theirs.minVersion && v <= theirs.maxVersion)) return []
    const spoken = theirs ? `${theirs.minVersion} to ${theirs.maxVersion}` : 'none'
    return [
      `${name} (needed: one of ${Math.min(...ours)} to ${Math.max(...ours)}, spoken: ${spoken})`,
    ]
  })
  if (missing.length === 0) return
  throw new KafkaError(
    'unsupported_broker',
    `The broker lacks requests that Kappa needs: ${missing.join('; ')}. Use Kafka 2.1 or newer`,
  )
}
