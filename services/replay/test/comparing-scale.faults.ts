import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import { pidFilesIn, readLivePid } from '@kappa/processes/pid-file'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { testStack } from '@kappa/test/stack'
import { compareView } from '../comparing/compare-view.ts'
import type { ComparedSide } from '../comparing/compared-side.ts'
import { bounds, columnsOf, kafkaOptions, startCluster } from './comparing-fixture.ts'

const rows = 10_000_000
const heap = '1536m'
const timeoutMs = 30 * 60_000
/** Heap, metaspace, code, and what Spark and Netty allocate beside the heap. */
const residentBytesMax = 2.5 * 2 ** 30
const nodeBytesMax = 512 * 2 ** 20

const key = ['route', 'hour']
const columns = columnsOf(
  'route string',
  'hour timestamp',
  'flights bigint',
  'revenue decimal(18,2)',
  'delay double',
  'carrier string',
)
const { changed, gone, added, noisy } = { changed: 2_500, gone: 50_000, added: 1_000, noisy: 100 }

let kafka: Kafka

before(async () => {
  kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'comparing-scale',
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
  })
})
after(async () => {
  await kafka?.close()
})

test('ten million rows a side are compared in a small heap', { timeout: timeoutMs }, async (t) => {
  const sides = await onCluster('comparing-scale-writing', '1g', async (session) => ({
    old: await write(session, 'old', { count: rows, partitions: 2, like: 'old' }),
    new: await write(session, 'new', { count: rows + added, partitions: 3, like: 'new' }),
    other: await write(session, 'other', { count: rows, partitions: 2, like: 'other' }),
  }))
  await t.test('when few rows differ', async () => {
    const found = await compareOnCluster('comparing-scale-few', sides.old, sides.new)
    const [lost, different] = [rows / gone, rows / changed]
    assert.deepEqual(
      [found.equal, found.changed, found.only_old, found.only_new],
      [rows - lost - different, different, lost, added],
    )
    assert.deepEqual(found.changed_by_column, { flights: different })
    assert.equal(found.samples.length, bounds.samplesMax)
  })
  await t.test('when all differ', async () => {
    const found = await compareOnCluster('comparing-scale-all', sides.old, sides.other)
    assert.deepEqual([found.equal, found.changed], [0, rows])
    assert.deepEqual(found.changed_by_column, { flights: rows })
    assert.equal(found.samples[0]?.key, '["JFK-0","2013-01-01T00:00:00.000000Z"]')
  })
})

/** On a cluster of its own, whose memory is then known to be the comparison's. */
function compareOnCluster(name: string, before: ComparedSide, after: ComparedSide) {
  return onCluster(name, heap, async (session, pid) => {
    const startedAt = performance.now()
    const parts = { session, kafka: kafkaOptions(), bounds: { ...bounds, timeoutMs } }
    const found = await compareView(parts, { old: before, new: after })
    const seconds = (performance.now() - startedAt) / 1_000
    const peakBytes = peakResidentBytes(pid)
    const nodeBytes = process.resourceUsage().maxRSS * 1_024
    console.log(
      `${name}: ${rows} rows a side in ${seconds.toFixed(0)} s (${Math.round((2 * rows) / seconds)} records/s); resident at most: Spark ${megabytes(peakBytes)} with a heap of ${heap}, Node ${megabytes(nodeBytes)}`,
    )
    assert.ok(peakBytes < residentBytesMax)
    assert.ok(nodeBytes < nodeBytesMax)
    return found
  })
}

async function onCluster<T>(
  name: string,
  memory: string,
  work: (session: SparkSession, pid: number) => Promise<T>,
): Promise<T> {
  const cluster = await startCluster(name, memory)
  try {
    const { address, token } = cluster
    const session = await connectSpark({ address, token, userId: name })
    const folder = join(testStack().stateFolder, name, `${name}-1`)
    const [pid] = pidFilesIn(folder).map(readLivePid)
    assert.ok(pid !== undefined)
    try {
      return await work(session, pid)
    } finally {
      session.detach()
    }
  } finally {
    await cluster.stop()
  }
}

interface Rows {
  readonly count: number
  readonly partitions: number
  /** new: a few rows differ from old ones; other: all do. */
  readonly like: 'old' | 'new' | 'other'
}

/** One record a row, as a view's query writes it. */
async function write(
  session: SparkSession,
  name: string,
  { count, partitions, like }: Rows,
): Promise<ComparedSide> {
  const topic = `comparing-scale-${name}`
  const compression = { 'cleanup.policy': 'compact', 'compression.type': 'lz4' }
  await kafka.admin.createTopics([{ topic, partitions, config: compression }], 30_000)
  const isNew = String(like === 'new')
  const moreFlights = { old: '0', new: `if(id % ${changed} = 7, 1, 0)`, other: '1' }[like]
  await session
    .sql(`
      SELECT
        concat('JFK-', id % 5000) AS route,
        timestamp_seconds(1356998400 + 3600 * (id DIV 5000)) AS hour,
        id % 97 + ${moreFlights} AS flights,
        CAST(id % 100003 AS DECIMAL(18, 2)) AS revenue,
        (1 + id % 1013) / 7D * if(${isNew} AND id % ${noisy} = 9, 1 + 1e-13, 1) AS delay,
        concat('carrier number ', id % 16, ' of many') AS carrier
      FROM range(0, ${count}, 1, 20)
      WHERE NOT (${isNew} AND id % ${gone} = ${gone - 1})`)
    .select(...planChangelogRecord({ sql: '', file: '', key }, columns))
    .write({
      format: 'kafka',
      mode: 'append',
      options: { ...kafkaOptions(), topic, 'kafka.compression.type': 'lz4' },
      timeoutMs,
    })
  const ends = await kafka.admin.endOffsets(topic)
  return {
    view: { sql: 'SELECT 1', key, columns, outputMode: 'update', changelog: { topic, partitions } },
    changelogEnds: Object.fromEntries(
      ends.map(({ partition, offset }) => [partition, String(offset)]),
    ),
  }
}

function peakResidentBytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1_024
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`
}
