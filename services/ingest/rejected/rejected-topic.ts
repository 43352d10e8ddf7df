import type { KafkaAdmin, TopicSpec } from '@kappa/kafka/port'
import type { Logger } from '@kappa/service/logger'
import type { RejectedSettings } from './rejected-settings.ts'

const dayMs = 86_400_000
const segmentMsMin = 60_000

/**
 * Kafka deletes whole segments, and only when the newest record of one is too old: without an age
 * at which a segment ends, a payload in a partition that is written to could stay for as long
 * again. So it goes at the latest a thirtieth of the retention (at most a day) after its time.
 */
function rejectedTopicSpec(settings: RejectedSettings, replicationFactor: number): TopicSpec {
  const { topic, partitions, retentionMs, retentionBytes } = settings
  const segmentMs = Math.min(dayMs, Math.max(segmentMsMin, Math.ceil(retentionMs / 30)))
  return {
    topic,
    partitions,
    replicationFactor,
    config: {
      'cleanup.policy': 'delete',
      'retention.ms': String(retentionMs),
      'retention.bytes': String(retentionBytes),
      'segment.ms': String(segmentMs),
      'segment.bytes': String(Math.max(1_048_576, Math.ceil(retentionBytes / 16))),
      // Retention follows the broker's clock, not that of whoever writes.
      'message.timestamp.type': 'LogAppendTime',
    },
  }
}

interface TopicConfig {
  readonly rejected: RejectedSettings
  readonly replicationFactor: number
  readonly kafka: { readonly startTimeoutMs: number }
}

/** Creates the topic if it is not there. One that is there keeps its configuration. */
export async function createRejectedTopic(
  admin: Pick<KafkaAdmin, 'createTopics'>,
  { rejected, replicationFactor, kafka }: TopicConfig,
  logger: Logger,
): Promise<void> {
  const spec = rejectedTopicSpec(rejected, replicationFactor)
  for (const topic of await admin.createTopics([spec], kafka.startTimeoutMs)) {
    logger.info({ topic }, 'Topic created')
  }
}
