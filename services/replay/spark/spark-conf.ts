import type { SparkSize } from '@kappa/applications/definition'
import type { ObjectStoreSettings } from '@kappa/service/settings'
import { type StateStore, stateStoreConf } from './state-store.ts'

/** Spark's configuration for a release's cluster. Holds the object store's keys: never log it. */
export function sparkConf(
  { shufflePartitions }: Pick<SparkSize, 'shufflePartitions'>,
  stateStore: StateStore,
  store: ObjectStoreSettings,
  pollingDelayMs: number,
): Record<string, string> {
  return {
    'spark.sql.session.timeZone': 'UTC',
    'spark.sql.shuffle.partitions': String(shufflePartitions),
    'spark.sql.adaptive.enabled': 'false',
    'spark.sql.streaming.pollingDelay': `${pollingDelayMs}ms`,
    'spark.sql.streaming.numRecentProgressUpdates': '20',
    'spark.sql.streaming.metricsEnabled': 'false',
    'spark.sql.streaming.checkpointFileManagerClass':
      'org.apache.spark.internal.io.cloud.AbortableStreamBasedCheckpointFileManager',
    // Twice as many objects for what the object store's own checksums cover.
    'spark.sql.streaming.checkpoint.fileChecksum.enabled': 'false',
    ...stateStoreConf(stateStore),
    // An idle session is timed out and its queries with it; ours live as long as the release.
    'spark.connect.session.manager.defaultSessionTimeout': '-1',
    'spark.hadoop.fs.s3a.endpoint': store.endpoint,
    'spark.hadoop.fs.s3a.endpoint.region': store.region,
    'spark.hadoop.fs.s3a.access.key': store.accessKeyId,
    'spark.hadoop.fs.s3a.secret.key': store.secretAccessKey,
    'spark.hadoop.fs.s3a.aws.credentials.provider':
      'org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider',
    'spark.hadoop.fs.s3a.path.style.access': 'true',
    'spark.hadoop.fs.s3a.connection.ssl.enabled': String(store.endpoint.startsWith('https:')),
    'spark.hadoop.fs.s3a.change.detection.mode': 'none',
    // On disk: in memory every file of a checkpoint, however small, takes a whole part of 64 MiB.
    'spark.hadoop.fs.s3a.fast.upload.buffer': 'disk',
    'spark.hadoop.fs.s3a.directory.marker.retention': 'keep',
  }
}
