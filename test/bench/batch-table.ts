import { planStream, type StreamSource } from '@kappa/applications/stream-plan'
import { readTuning } from '@kappa/replay/spark/kafka-tuning'
import type { SparkSession } from '@kappa/spark-connect/session'

/** The stream's plan over a batch read, which reads Kafka alike; a watermark means nothing there. */
export async function registerTable(
  session: SparkSession,
  source: StreamSource,
  kafka: Readonly<Record<string, string>>,
): Promise<void> {
  const plan = planStream(source, { watermarkSlackMs: 0 })
  await session
    .read({
      format: 'kafka',
      options: {
        ...kafka,
        ...readTuning,
        subscribe: plan.topic,
        startingOffsets: 'earliest',
        endingOffsets: 'latest',
        includeHeaders: 'true',
      },
    })
    .select(...plan.envelope)
    .select(...plan.decoded)
    .filter(plan.onTime)
    .dropDuplicates([...plan.deduplicateBy])
    .select(...plan.output)
    .createOrReplaceTempView(plan.name)
}
