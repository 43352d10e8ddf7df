import type { ReleaseView } from '@kappa/applications/records'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import { SparkError } from '@kappa/spark-connect/errors'
import type { SparkSession } from '@kappa/spark-connect/session'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import type { Trigger } from '@kappa/spark-connect/write-stream'
import type { ObjectStore } from '../object-store.ts'
import { changelogTuning } from '../spark/kafka-tuning.ts'
import { checkpointPrefix } from './checkpoint.ts'
import type { ViewIdentity } from './view-position.ts'

export type OutputMode = ReleaseView['outputMode']

export interface QueryOptions {
  readonly kafka: Readonly<Record<string, string>>
  readonly store: ObjectStore
  /** Default: as fast as possible. */
  readonly trigger?: Trigger
}

export interface StartedQuery {
  readonly query: StreamingQuery
  readonly outputMode: OutputMode
}

/**
 * Starts the query of a view from its checkpoint, or from where its streams begin where there is
 * none: the user's SQL as it is, then the changelog record made of its columns.
 * @throws SparkError when Spark refuses it.
 */
export async function startViewQuery(
  session: SparkSession,
  identity: ViewIdentity,
  options: QueryOptions & { outputMode: OutputMode },
): Promise<StreamingQuery> {
  const { application, release, name, view } = identity
  const rows = session.sql(view.sql)
  return (view.writeAfter === undefined ? rows : rows.filter(view.writeAfter))
    .select(...planChangelogRecord(view, view.columns))
    .writeStream({
      queryName: name,
      format: 'kafka',
      outputMode: options.outputMode,
      trigger: options.trigger ?? { asFastAsPossible: true },
      checkpointLocation: options.store.location(checkpointPrefix(application, release, name)),
      options: { ...options.kafka, ...changelogTuning, topic: view.changelog.topic },
    })
}

/**
 * Starts the query in update mode, or, where Spark refuses that for this kind of query, in append
 * mode (stream-stream joins, session windows). The mode is then part of the release.
 */
export async function startInSupportedMode(
  session: SparkSession,
  identity: ViewIdentity,
  options: QueryOptions,
): Promise<StartedQuery> {
  try {
    const query = await startViewQuery(session, identity, { ...options, outputMode: 'update' })
    return { query, outputMode: 'update' }
  } catch (error) {
    if (!(error instanceof SparkError) || !refusesUpdateMode(error)) throw error
    const query = await startViewQuery(session, identity, { ...options, outputMode: 'append' })
    return { query, outputMode: 'append' }
  }
}

function refusesUpdateMode(error: SparkError): boolean {
  return (
    error.errorClass?.startsWith('STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION') === true ||
    /not supported in Update output mode|Update output mode not supported/i.test(error.message)
  )
}
