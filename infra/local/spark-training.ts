import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { waitFor } from './wait.ts'

const REQUEST_TIMEOUT_MS = 300_000
const BATCHES_TIMEOUT_MS = 300_000
const AVRO_STRING = '{"type":"record","name":"r","fields":[{"name":"a","type":"string"}]}'

/**
 * Runs on a Spark Connect server what releases run, so that the classes of a streaming query (state
 * in RocksDB, windows, joins with datasets, JSON, Avro) are loaded when the JVM writes its archive.
 */
export async function trainSpark(address: string, token: string, folder: string): Promise<void> {
  const session = await connectSpark({
    address,
    token,
    userId: 'kappa-training',
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  })
  try {
    await decodeAvro(session)
    await runWindows(session, folder)
  } finally {
    await session.release()
  }
}

async function decodeAvro(session: SparkSession): Promise<void> {
  const record = "from_avro(value, '{schema}', map('mode', 'PERMISSIVE')).a".replace(
    '{schema}',
    AVRO_STRING,
  )
  await session.sql("SELECT unhex('0261') AS value").select(record).collect()
}

async function runWindows(session: SparkSession, folder: string): Promise<void> {
  const dataset = join(folder, 'names.csv')
  writeFileSync(dataset, 'k,name\n0,zero\n1,one\n')
  const options = { header: 'true', mode: 'FAILFAST' }
  await session
    .read({ format: 'csv', schema: 'k STRING, name STRING', options, paths: [dataset] })
    .createOrReplaceTempView('names')
  await session
    .readStream({ format: 'rate', options: { rowsPerSecond: '50', numPartitions: '1' } })
    .select('timestamp AS at', 'CAST(value % 3 AS STRING) AS k', 'CAST(value AS STRING) AS _id')
    .observe('stream_events', 'count(*) AS read_events', 'count_if(at IS NULL) AS late_events')
    .filter("at BETWEEN at - INTERVAL '1' SECOND AND at + INTERVAL '1' SECOND")
    .withWatermark('at', '1 minute')
    .dropDuplicates(['_id', 'at'])
    .createOrReplaceTempView('events')
  const query = await session
    .sql(
      `SELECT events.k, window.start AS hour, max(names.name) AS name, count(*) AS n, avg(length(_id)) AS mean
       FROM events LEFT JOIN names ON names.k = events.k GROUP BY events.k, window(at, '1 hour')`,
    )
    .select(
      "to_json(array(k, date_format(hour, 'yyyy'))) AS key",
      'to_json(struct(*)) AS value',
      "array(named_struct('key', 'b', 'value', CAST(CAST(unix_millis(current_timestamp()) AS STRING) AS BINARY))) AS headers",
    )
    .writeStream({
      format: 'noop',
      outputMode: 'update',
      checkpointLocation: join(folder, 'checkpoint'),
    })
  await waitFor(
    'two batches of the training query',
    async () => (((await query.lastProgress())?.batchId ?? 0) >= 2 ? true : undefined),
    { timeoutMs: BATCHES_TIMEOUT_MS },
  )
  await query.stop()
}
