import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import { SparkError, SparkTransportError } from '@kappa/spark-connect/errors'
import { kafkaOffsets } from '@kappa/spark-connect/progress'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { testStack } from '@kappa/test/stack'
import { startCuttingProxy } from './cutting-proxy.ts'
import {
  batchTimestamp,
  committedBatches,
  type RunningSpark,
  startSparkConnect,
} from './start-spark-connect.ts'
import { until } from './until.ts'

const isTransport = (kind: string) => (error: unknown) =>
  error instanceof SparkTransportError && error.kind === kind

describe('Spark Connect', { timeout: 300_000 }, () => {
  const stack = testStack()
  let folder: string
  let spark: RunningSpark
  let session: SparkSession
  let log: Kafka

  const opened: { detach: () => void }[] = []
  const connect = async (options: Partial<Parameters<typeof connectSpark>[0]> = {}) => {
    const made = await connectSpark({
      address: spark.address,
      token: spark.token,
      userId: 'test',
      ...options,
    })
    opened.push(made)
    return made
  }
  const kafka = { 'kafka.bootstrap.servers': stack.kafkaBrokers }
  const readTopic = (reader: SparkSession, topic: string) =>
    reader
      .read({ format: 'kafka', options: { ...kafka, subscribe: topic } })
      .select('CAST(key AS STRING) AS key', 'CAST(value AS STRING) AS value')
  // The stack's Kafka makes no topic by itself.
  const newTopic = async (what: string) => {
    const topic = `${what}-${randomUUID()}`
    await log.admin.createTopics([{ topic, partitions: 1 }], 10_000)
    return topic
  }
  const publish = (values: string, topic: string) =>
    session
      .sql(
        `SELECT CAST(k AS STRING) AS key, CAST(v AS STRING) AS value FROM VALUES ${values} AS t(k, v)`,
      )
      .write({ format: 'kafka', mode: 'append', options: { ...kafka, topic } })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spark-connect-'))
    log = await connectKafka({
      brokers: stack.kafkaBrokers.split(','),
      clientId: 'spark-connect-test',
      requestTimeoutMs: 15_000,
      connectTimeoutMs: 5_000,
    })
    spark = await startSparkConnect(stack, join(folder, 'spark'), {
      // The server ends each response stream after this: everything longer has to reattach.
      'spark.connect.execute.reattachable.senderMaxStreamDuration': '1s',
    })
    session = await connect()
  })

  after(async () => {
    for (const made of opened) made.detach()
    await spark.stop()
    await log.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('a wrong and a missing token are unauthenticated', async () => {
    await assert.rejects(connect({ token: 'wrong' }), isTransport('unauthenticated'))
    const { address } = spark
    await assert.rejects(connectSpark({ address, userId: 'test' }), isTransport('unauthenticated'))
  })

  test('a server that is not there is unavailable, within the deadline', async () => {
    await assert.rejects(
      connect({ address: '127.0.0.1:1', requestTimeoutMs: 5_000 }),
      isTransport('unavailable'),
    )
  })

  test('a call that takes too long is a deadline error, and the server stops the work', async () => {
    const sleep = session.sql(
      "SELECT java_method('java.lang.Thread', 'sleep', 60000L) FROM range(1)",
    )
    await assert.rejects(
      sleep.collect({ timeoutMs: 1_500, tags: ['slow'] }),
      isTransport('deadline'),
    )
    assert.deepEqual(await session.interrupt({ tag: 'slow' }), [])
  })

  test('values of every kind arrive exactly', async () => {
    const [row] = await session
      .sql(`SELECT 9007199254740993 AS big, 1.5D AS real, CAST('-12.345' AS DECIMAL(38,3)) AS money,
        CAST('-0.05' AS DECIMAL(4,2)) AS cents, timestamp'2013-01-01 05:00:00.123456' AS at,
        timestamp_ntz'1960-01-01 00:00:00.000001' AS local, date'1969-12-31' AS day, true AS yes,
        CAST(NULL AS STRING) AS nothing, X'01ff' AS bytes, array(1, NULL) AS list, map('a', 2L) AS map,
        named_struct('x', 'é', 'y', array(CAST(1.10 AS DECIMAL(3,2)))) AS nested`)
      .collect()
    assert.deepEqual(row, {
      big: 9007199254740993n,
      real: 1.5,
      money: '-12.345',
      cents: '-0.05',
      at: '2013-01-01T05:00:00.123456Z',
      local: '1960-01-01T00:00:00.000001',
      day: '1969-12-31',
      yes: true,
      nothing: null,
      bytes: new Uint8Array([1, 255]),
      list: [1, null],
      map: [['a', 2n]],
      nested: { x: 'é', y: ['1.10'] },
    })
  })

  test('a result over its bound is refused', async () => {
    const rows = session.sql('SELECT id FROM range(100)')
    await assert.rejects(rows.collect({ rowsMax: 99 }), /more than rowsMax = 99/)
    assert.equal((await rows.collect({ rowsMax: 100 })).length, 100)
  })

  test('the schema tells DDL types, nullability and nested fields', async () => {
    const columns = await session
      .sql(
        "SELECT id, named_struct('a b', 1, 'd', CAST(1 AS DECIMAL(5,2))) AS s, array('x') AS l FROM range(1)",
      )
      .schema()
    assert.deepEqual(
      columns.map(({ name, type, nullable }) => [name, type, nullable]),
      [
        ['id', 'bigint', false],
        ['s', 'struct<`a b`: int NOT NULL, d: decimal(5,2)>', false],
        ['l', 'array<string>', false],
      ],
    )
    const typed = session
      .sql('SELECT id FROM range(1)')
      .select(`CAST(NULL AS ${columns[1]?.type}) AS s`)
    assert.equal((await typed.schema())[0]?.type, columns[1]?.type)
  })

  test('a syntax error has class, SQLSTATE, line and position', async () => {
    const error = await failure(session.sql('SELECT 1,\n  2 FORM t WHERE').schema())
    assert.equal(error.errorClass, 'PARSE_SYNTAX_ERROR')
    assert.equal(error.sqlState, '42601')
    assert.equal(error.position?.line, 2)
  })

  test('an unknown column is suggested the right one, with its place in the text', async () => {
    const error = await failure(session.sql('SELECT\n  idd\nFROM range(1)').schema())
    assert.equal(error.errorClass, 'UNRESOLVED_COLUMN.WITH_SUGGESTION')
    assert.equal(error.sqlState, '42703')
    assert.match(error.message, /Did you mean one of the following\? \[`id`\]/)
    assert.deepEqual(error.position, { line: 2, startPosition: 3, fragment: 'idd' })
  })

  test('an error in a temp view is found when the view is made', async () => {
    const view = session.sql('SELECT nope FROM range(1)').createOrReplaceTempView('broken')
    assert.equal((await failure(view)).errorClass, 'UNRESOLVED_COLUMN.WITH_SUGGESTION')
    await session.sql('SELECT id * 2 AS twice FROM range(3)').createOrReplaceTempView('doubled')
    const rows = await session.sql('SELECT max(twice) AS most FROM doubled').collect()
    assert.deepEqual(rows, [{ most: 4n }])
    assert.equal(await session.table('doubled').isStreaming(), false)
    assert.match(await session.table('doubled').explain('simple'), /Range \(0, 3/)
  })

  test('settings, Parquet snapshots and plan operations', async () => {
    await session.setConfig({ 'spark.sql.shuffle.partitions': '3' })
    assert.equal(await session.getConfig('spark.sql.shuffle.partitions'), '3')
    assert.equal(await session.getConfig('spark.kappa.absent'), undefined)
    await session.setConfig({ 'spark.sql.shuffle.partitions': '2' })
    const path = join(folder, 'snapshot')
    const rows = session.sql('SELECT id, id % 2 AS odd FROM range(10)')
    await rows.write({ format: 'parquet', path })
    assert.equal(
      (await failure(rows.write({ format: 'parquet', path }))).errorClass,
      'PATH_ALREADY_EXISTS',
    )
    const back = session.read({ format: 'parquet', paths: [path] })
    const odd = back.filter('odd = 1').dropDuplicates(['odd']).withColumns({ name: "'odd'" })
    const all = odd.select('name').union(session.sql("SELECT 'more' AS name"))
    assert.deepEqual(await all.collect(), [{ name: 'odd' }, { name: 'more' }])
  })

  test('a connection that breaks in the middle of a result loses and repeats no row', async (t) => {
    const proxy = await startCuttingProxy(spark.address, 400_000, 3)
    t.after(() => proxy.close())
    const shaky = await connect({ address: proxy.address })
    const rows = await shaky
      .sql('SELECT id, repeat("x", 20) AS pad FROM range(0, 60000, 1, 4)')
      .collect({ rowsMax: 60_000 })
    assert.equal(proxy.cuts(), 3)
    assert.deepEqual(
      rows.map(({ id }) => id),
      Array.from({ length: 60_000 }, (_, id) => BigInt(id)),
    )
    await shaky.release()
  })

  test('counts Kafka events once by window, observes below the state, goes on from its checkpoint', async () => {
    const input = await newTopic('in')
    const output = await newTopic('out')
    await publish("('a', '1 00:01'), ('a', '1 00:01'), ('b', '2 00:02'), ('c', '3 01:10')", input)
    const start = async () => {
      await session
        .readStream({
          format: 'kafka',
          options: { ...kafka, subscribe: input, startingOffsets: 'earliest' },
        })
        .select(
          "split_part(CAST(value AS STRING), ' ', 1) AS id",
          `CAST('2013-01-01 ' || split_part(CAST(value AS STRING), ' ', 2) AS TIMESTAMP) AS time`,
        )
        .observe('events', 'count(*) AS seen', "count_if(id = '3') AS threes")
        .withWatermark('time', '2 hours')
        .dropDuplicates(['id', 'time'])
        .createOrReplaceTempView('events')
      return session
        .sql("SELECT window(time, '1 hour').start AS hour, count(*) AS n FROM events GROUP BY 1")
        .select("date_format(hour, 'HH') AS key", 'CAST(n AS STRING) AS value')
        .writeStream({
          format: 'kafka',
          queryName: 'by-hour',
          options: { ...kafka, topic: output },
          outputMode: 'update',
          checkpointLocation: join(folder, 'by-hour'),
        })
    }
    const first = await start()
    await first.processAllAvailable()
    const counts = async () =>
      (await readTopic(session, output).collect()).map(({ key, value }) => `${key}=${value}`).sort()
    assert.deepEqual(await counts(), ['00=2', '01=1'])
    const reports = await first.recentProgress()
    const batch = reports.find(({ inputRows }) => inputRows > 0)
    assert.equal(batch?.inputRows, 4)
    assert.deepEqual(batch?.observedMetrics.events, { seen: '4', threes: '1' })
    const read = Object.values(kafkaOffsets(batch?.sources[0]?.endOffset ?? null)[input] ?? {})
    assert.equal(
      read.reduce((sum, next) => sum + Number(next), 0),
      4,
    )
    assert.deepEqual(
      batch?.stateOperators.map(({ rowsDroppedByWatermark }) => rowsDroppedByWatermark),
      [0, 0],
    )
    assert.equal((await first.status()).isActive, true)
    assert.match(await first.explain(), /StateStoreSave/)
    await first.stop()
    assert.equal((await first.status()).isActive, false)
    assert.equal(await first.exception(), undefined)

    await publish("('d', '4 00:30'), ('a', '1 00:01')", input)
    const second = await start()
    assert.equal(second.id, first.id)
    assert.notEqual(second.runId, first.runId)
    await second.processAllAvailable()
    assert.deepEqual(await counts(), ['00=2', '00=3', '01=1'])
    await second.stop()
  })

  test('a query is found by another process with the session id and the user id, and by no one else', async () => {
    const one = await connect({ sessionId: randomUUID() })
    const started = await one
      .readStream({ format: 'rate', options: { rowsPerSecond: '1' } })
      .writeStream({ format: 'noop', queryName: 'kept', outputMode: 'append' })
    one.detach()
    const again = await connect({ sessionId: one.sessionId })
    const [found] = await again.streams.active()
    assert.deepEqual([found?.id, found?.runId, found?.name], [started.id, started.runId, 'kept'])
    assert.equal((await again.streams.get(started.id))?.runId, started.runId)
    const other = await connect({ sessionId: one.sessionId, userId: 'someone-else' })
    assert.deepEqual(await other.streams.active(), [])
    await other.release()
    await again.release()
    await assert.rejects(connect({ sessionId: one.sessionId }), isTransport('session_closed'))
  })

  test('a query that fails at run time tells the real cause', async () => {
    const query = await session
      .readStream({ format: 'rate', options: { rowsPerSecond: '10' } })
      .select('CAST(concat("x", value) AS INT) AS number')
      .writeStream({ format: 'noop', outputMode: 'append', queryName: 'fails' })
    await assert.rejects(query.awaitTermination(60_000), { errorClass: 'STREAM_FAILED' })
    const error = await query.exception()
    assert.equal(error?.rootCause.errorClass, 'CAST_INVALID_INPUT')
    assert.match(
      error?.rootCause.message ?? '',
      /The value 'x\d+' of the type "STRING" cannot be cast/,
    )
    assert.equal((await query.status()).isActive, false)
  })

  test('events are pushed across reattachments; a new consumer takes over from the one before', async () => {
    const follow = (reader: SparkSession) => {
      const controller = new AbortController()
      const events: string[] = []
      const ended = (async () => {
        for await (const event of reader.streamingQueryEvents(controller.signal)) {
          events.push(event.type === 'progress' ? `progress ${event.progress.batchId}` : event.type)
        }
      })()
      return { controller, events, ended }
    }
    const one = await connect()
    const first = follow(one)
    await until('listening', () => first.events.includes('listening') || undefined)
    const query = await one
      .readStream({ format: 'rate', options: { rowsPerSecond: '5' } })
      .writeStream({ format: 'noop', outputMode: 'append', trigger: { processingTimeMs: 400 } })
    // More than two seconds of batches: the server has ended the response stream twice by then.
    await until('batch 7', () => first.events.includes('progress 7') || undefined)
    const batches = first.events.filter((event) => event.startsWith('progress'))
    assert.deepEqual(
      batches,
      Array.from({ length: batches.length }, (_, batch) => `progress ${batch}`),
    )
    const again = await connect({ sessionId: one.sessionId })
    one.detach()
    await assert.rejects(first.ended, isTransport('cancelled'))
    const second = follow(again)
    await until('progress', () => second.events.find((event) => event.startsWith('progress')))
    await again.streams.get(query.id).then((found) => found?.stop())
    await until('terminated', () => second.events.includes('terminated') || undefined)
    second.controller.abort()
    await second.ended
    await again.release()
  })

  test('current_timestamp() is the batch time of the offset log, also when kill -9 makes a batch run again', async () => {
    const input = await newTopic('in')
    const output = await newTopic('out')
    const checkpoint = join(folder, 'pinned')
    // Enough keys that some lie in the partition that the slow one does not hold up.
    const keys = ['slow', ...Array.from({ length: 9 }, (_, n) => `fast${n}`)]
    await publish(keys.map((key) => `('${key}', 'x')`).join(), input)
    const start = (reader: SparkSession, slowMs: number) => {
      const time = 'unix_micros(current_timestamp())'
      // What makes the batch last goes into the key, so that the value is the same expression in both runs.
      const wait = `java_method('java.lang.Thread', 'sleep', IF(key = 'slow', ${slowMs}L, 0L))`
      return reader
        .readStream({
          format: 'kafka',
          options: { ...kafka, subscribe: input, startingOffsets: 'earliest' },
        })
        .createOrReplaceTempView('pinned')
        .then(() =>
          reader
            .sql('SELECT CAST(key AS STRING) AS key, count(*) AS n FROM pinned GROUP BY key')

            .select(
              `substr(concat(key, ${wait}), 1, length(key)) AS key`,
              `concat(n, ' ', ${time}) AS value`,
            )
            .writeStream({
              format: 'kafka',
              options: { ...kafka, topic: output, 'kafka.linger.ms': '0' },
              outputMode: 'update',
              checkpointLocation: checkpoint,
            }),
        )
    }
    await start(session, 120_000)
    const written = async (reader: SparkSession) => {
      const rows = await readTopic(reader, output).collect()
      return rows.map(({ key, value }) => `${key} ${value}`).sort()
    }
    const before = await until('the fast row', async () => {
      const rows = await written(session).catch((error: unknown) => {
        if (error instanceof SparkError) return [] // the topic is not there yet
        throw error
      })
      return rows.length > 0 ? rows : undefined
    })
    const batchMicros = (await batchTimestamp(checkpoint, 0)) * 1000
    assert.ok(
      before.every((row) => /^fast\d 1 /.test(row) && row.endsWith(` ${batchMicros}`)),
      `${before} of the batch at ${batchMicros}`,
    )
    await spark.kill()

    const port = new URL(`http://${spark.address}`).port
    spark = await startSparkConnect(stack, join(folder, 'spark'), {
      'spark.connect.grpc.binding.port': port,
      'spark.connect.session.manager.defaultSessionTimeout': '3s',
      'spark.connect.session.manager.maintenanceInterval': '500ms',
    })
    const next = await connect({ heartbeatIntervalMs: 500 })
    await assert.rejects(session.version(), isTransport('session_closed'))
    // Spark 4.1.1's Kafka source fails while it reports on a batch that it ran again (its newest offsets
    // are not known yet: KafkaMicroBatchStream.metrics), after the batch was committed: the next start goes on.
    const rerun = await start(next, 0)
    await assert.rejects(rerun.awaitTermination(60_000), { errorClass: 'STREAM_FAILED' })
    const cause = (await rerun.exception())?.rootCause
    assert.equal(cause?.javaClass, 'java.lang.NullPointerException')
    const again = await start(next, 0)
    await again.processAllAvailable()
    assert.equal((await again.status()).isActive, true)
    assert.deepEqual(
      await committedBatches(checkpoint),
      [0],
      'the same batch ran again, and no other',
    )
    const rows = await written(next)
    assert.ok(rows.length > keys.length, 'both runs wrote rows')
    assert.deepEqual([...new Set(rows)], keys.map((key) => `${key} 1 ${batchMicros}`).sort())
    await again.stop()
    await next.release()
  })

  test('a heartbeat keeps a session and its queries; without one the server closes it', async () => {
    const alive = await connect({ heartbeatIntervalMs: 300 })
    const query = await alive
      .readStream({ format: 'rate', options: { rowsPerSecond: '1' } })
      .writeStream({ format: 'noop', outputMode: 'append' })
    const idle = await connect({ heartbeatIntervalMs: 0 })
    // Each look keeps the idle session, so it is looked at once, well after its 3 seconds.
    const seenAt = performance.now()
    await until('4.5 seconds', () => performance.now() - seenAt > 4_500 || undefined)
    await assert.rejects(idle.version(), isTransport('session_closed'))
    assert.equal((await query.status()).isActive, true)
    idle.detach()
    await alive.release()
  })
})

async function failure(promise: Promise<unknown>): Promise<SparkError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof SparkError) return error
    throw error
  }
  throw new assert.AssertionError({ message: 'expected a SparkError, but it succeeded' })
}
