import type { DatasetDefinition } from '@kappa/applications/definition'
import { ApplicationError, type Problem } from '@kappa/applications/problems'
import type { PinnedDataset, ReleaseDefinition, ReleaseView } from '@kappa/applications/records'
import { planStream, type StreamSource } from '@kappa/applications/stream-plan'
import { checkAnalysedPlan, checkViewColumns, type ViewColumn } from '@kappa/applications/view-plan'
import type { DataFrame } from '@kappa/spark-connect/data-frame'
import { SparkError } from '@kappa/spark-connect/errors'
import type { SparkSession } from '@kappa/spark-connect/session'
import { readTuning } from './kafka-tuning.ts'
import { readOptions, type StreamsReading } from './stream-reading.ts'

export type Inputs = Pick<ReleaseDefinition, 'sources' | 'datasets' | 'pinned' | 'starts'>

/**
 * Makes the release's streams and datasets known to the session under the names that its SQL uses.
 * A query keeps what they were when it was started, see `QueryStarter`.
 *
 * @param kafka how Spark reaches Kafka, see `sparkKafkaOptions`
 */
export async function registerInputs(
  session: SparkSession,
  definition: Inputs,
  kafka: Readonly<Record<string, string>>,
  reading: StreamsReading,
): Promise<void> {
  for (const source of Object.values(definition.sources)) {
    const options = { ...kafka, ...readOptions(source.topic, reading, definition.starts ?? {}) }
    const stream = streamOf(session, source, options, reading)
    await stream.createOrReplaceTempView(source.name)
  }
  for (const [name, dataset] of Object.entries(definition.datasets)) {
    const pinned = definition.pinned[name]
    if (!pinned) throw new Error(`Dataset ${name} was never pinned.`)
    await datasetOf(session, dataset, pinned).createOrReplaceTempView(name)
  }
}

function streamOf(
  session: SparkSession,
  source: StreamSource,
  options: Readonly<Record<string, string>>,
  { slackMs, throttle }: StreamsReading,
): DataFrame {
  const plan = planStream(source, {
    watermarkSlackMs: slackMs[source.name] ?? 0,
    ...(throttle && { throttle }),
  })
  const records = session.readStream({
    format: 'kafka',
    options: { ...options, ...readTuning, includeHeaders: 'true', failOnDataLoss: 'true' },
  })
  return (plan.throttle === undefined ? records : records.filter(plan.throttle))
    .select(...plan.envelope)
    .select(...plan.decoded)
    .observe(plan.observation.name, ...plan.observation.metrics)
    .filter(plan.onTime)
    .withWatermark(plan.watermark.column, plan.watermark.delay)
    .dropDuplicates([...plan.deduplicateBy])
    .select(...plan.output)
}

function datasetOf(
  session: SparkSession,
  dataset: DatasetDefinition,
  pinned: PinnedDataset,
): DataFrame {
  return session.read({
    format: dataset.format,
    paths: [pinned.location],
    ...(dataset.schema === undefined ? {} : { schema: dataset.schema }),
    options: dataset.format === 'csv' ? csvOptions(dataset) : {},
  })
}

function csvOptions(dataset: DatasetDefinition): Record<string, string> {
  return {
    header: 'true',
    mode: 'FAILFAST',
    enforceSchema: 'false',
    ...(dataset.nullValue === undefined ? {} : { nullValue: dataset.nullValue }),
  }
}

/**
 * Lets Spark analyse every view and checks what it gives.
 * @returns the columns of each view, by its name
 * @throws ApplicationError with Spark's own message and the place in the user's SQL.
 */
export async function analyseViews(
  session: SparkSession,
  application: string,
  views: Readonly<Record<string, ReleaseView>>,
): Promise<Record<string, readonly ViewColumn[]>> {
  const problems: Problem[] = []
  const columns: Record<string, readonly ViewColumn[]> = {}
  for (const [name, view] of Object.entries(views)) {
    try {
      const query = session.sql(view.sql)
      const schema = await query.schema()
      columns[name] = schema.map(({ name: column, type, nullable }) => ({
        name: column,
        type,
        nullable,
      }))
      problems.push(...checkViewColumns(view, columns[name]))
      problems.push(...checkAnalysedPlan(view, await query.explain('extended')))
    } catch (error) {
      if (!(error instanceof SparkError)) throw error
      problems.push({
        file: view.file,
        ...(error.position === undefined ? {} : { line: error.position.line }),
        message: error.message,
      })
    }
  }
  if (problems.length > 0) throw new ApplicationError(application, problems)
  return columns
}
