import { Kafka, logLevel } from 'kafkajs'

/** What retention would do later: deletes partition 0 of the topic up to the offset (exclusive). */
export async function deleteRecords(
  brokers: readonly string[],
  topic: string,
  offset: bigint,
): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    // Makes kafkajs learn the topic's leaders, which the deletion does not.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({
      topic,
      partitions: [{ partition: 0, offset: offset.toString() }],
    })
  } finally {
    await admin.disconnect()
  }
}
