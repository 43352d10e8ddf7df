import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ReleaseDefinition, ReleaseView } from '@kappa/applications/records'
import { planStream, type StreamSource } from '@kappa/applications/stream-plan'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import type { Contract } from '@kappa/contracts/contract'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { testStack } from '@kappa/test/stack'
import { planCarry } from '../carrying/carry-plan.ts'
import { carryRows } from '../carrying/carry-rows.ts'
import type { Cluster } from '../launchers/launcher.ts'
import { LocalLauncher } from '../launchers/local/local-launcher.ts'
import { toRecord } from '../log/log-ends.ts'
import { bindSources } from '../spark/sources.ts'
import { parseSparkDuration } from '../spark/spark-duration.ts'
import { foldChangelog } from './changelog-fold.ts'
import {
  type Click,
  clickContracts,
  clicksFrom,
  countedClicks,
  latenessMs,
  logPartitions,
  recordOf,
} from './clicks-log.ts'

const minuteMs = 60_000
const topic = `clicks-${randomUUID().slice(0, 8)}`
const folder = join(testStack().stateFolder, 'carry-spark')
const kafkaOptions = { 'kafka.bootstrap.servers': testStack().kafkaBrokers }
const startMs = Date.parse('2013-01-01T03:00:00Z')
/** Sliding windows, told by their ends, and tumbling ones, told by their starts. */
const windows = {
  sliding: { bound: 'end', windowMs: 180 * minuteMs, slideMs: 60 * minuteMs, offsetMs: 0 },
  tumbling: { bound: 'start', windowMs: 60 * minuteMs, slideMs: 60 * minuteMs, offsetMs: 0 },
} as const
type ViewName = keyof typeof windows
const names = Object.keys(windows) as ViewName[]

let kafka: Kafka
let cluster: Cluster
let spark: SparkSession
let contract: Contract
let source: StreamSource

before(async () => {
  kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'carry-spark-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
  cluster = await startSpark()
  const { address, token } = cluster
  spark = await connectSpark({ address, token, userId: 'carry-spark-test' })
  const contracts = await clickContracts(topic)
  contract = contracts.get(topic) ?? assert.fail()
  const streams = { clicks: { topic, latenessMs } }
  source = bindSources(applicationOf(streams), contracts).clicks ?? assert.fail()
  await kafka.admin.createTopics([{ topic, partitions: logPartitions }], 10_000)
})
after(async () => {
  spark?.detach()
  await cluster?.stop()
  await kafka?.close()
})

function applicationOf(streams: ReleaseDefinition['streams']) {
  const spark = { cores: 1, memory: '1g', shufflePartitions: 2 }
  const rest = { description: '', datasets: {}, views: {}, spark, changelog: { partitions: 2 } }
  return { application: 'clicks', streams, ...rest }
}

function startSpark(): Promise<Cluster> {
  const { java, sparkJarsFolder, sparkArchiveFile } = testStack()
  const launcher = new LocalLauncher({
    java,
    jarsFolder: sparkJarsFolder,
    workFolder: folder,
    archiveFile: sparkArchiveFile,
    stopTimeoutMs: 10_000,
  })
  const sparkConf = {
    'spark.sql.session.timeZone': 'UTC',
    'spark.sql.shuffle.partitions': '2',
  }
  const spec = {
    application: 'clicks',
    release: 1,
    cores: 2,
    executors: 1,
    memory: '1g',
    sparkConf,
  }
  const signal = new AbortController().signal
  return launcher.start({ ...spec, systemProperties: {} }, { timeoutMs: 120_000, signal })
}

/** A release whose views add up the amounts, each multiplied by the factor. */
async function newRelease(factor: number): Promise<Pick<ReleaseDefinition, 'views' | 'sources'>> {
  await readClicksFrom('earliest')
  const views: Record<string, ReleaseView> = {}
  for (const name of names) {
    const { bound, windowMs, slideMs } = windows[name]
    const [length, slide] = [windowMs, slideMs].map((ms) => `${ms / minuteMs} minutes`)
    const sql = `SELECT device, window.${bound} AS time, count(*) AS n, sum(amount * ${factor}) AS total
      FROM clicks GROUP BY device, window(at, '${length}', '${slide}')`
    const columns = await spark.sql(sql).schema()
    const changelog = { topic: `${name}-${randomUUID()}`, partitions: 2 }
    await kafka.admin.createTopics([changelog], 10_000)
    const rest = { file: `views/${name}.sql`, outputMode: 'update' as const, changelog }
    views[name] = { sql, key: ['device', 'time'], time: 'time', columns, ...rest }
  }
  return { views, sources: { clicks: source } }
}

/** Makes the stream known to the session, read from these offsets on in several batches. */
function readClicksFrom(startingOffsets: string): Promise<void> {
  const plan = planStream(source, { watermarkSlackMs: 0 })
  const starts = { startingOffsets, maxOffsetsPerTrigger: '250', includeHeaders: 'true' }
  return spark
    .readStream({ format: 'kafka', options: { ...kafkaOptions, subscribe: topic, ...starts } })
    .select(...plan.envelope)
    .select(...plan.decoded)
    .filter(plan.onTime)
    .withWatermark(plan.watermark.column, plan.watermark.delay)
    .dropDuplicates([...plan.deduplicateBy])
    .select(...plan.output)
    .createOrReplaceTempView('clicks')
}

/** Computes what the log holds; returns the watermark. */
async function compute(view: ReleaseView, writeAfter: string): Promise<number> {
  const query = await spark
    .sql(view.sql)
    .filter(writeAfter)
    .select(...planChangelogRecord(view, view.columns))
    .writeStream({
      format: 'kafka',
      outputMode: 'update',
      trigger: { availableNow: true },
      checkpointLocation: join(folder, randomUUID()),
      options: { ...kafkaOptions, topic: view.changelog.topic },
    })
  assert.ok(await query.awaitTermination(120_000))
  const progress = await query.recentProgress()
  for (const { stateOperators } of progress) {
    for (const { rowsDroppedByWatermark } of stateOperators) assert.equal(rowsDroppedByWatermark, 0)
  }
  return Date.parse(progress.at(-1)?.watermark ?? '')
}

async function publish(clicks: readonly Click[]): Promise<void> {
  const producer = kafka.producer()
  await producer.send(
    topic,
    clicks.map((click) => recordOf(contract, click)),
  )
  await producer.close()
}

/** Straight from the clicks: rows by key, computed with a factor that depends on the window's end. */
function expectedRows(
  name: ViewName,
  clicks: readonly Click[],
  factorOf: (endMs: number) => number,
): Map<string, object> {
  const { bound, windowMs, slideMs } = windows[name]
  const rows = new Map<string, { device: string; time: string; n: number; total: number }>()
  for (const { device, atMs, amount } of clicks) {
    const newest = Math.floor(atMs / slideMs) * slideMs
    for (let start = newest; start + windowMs > atMs; start -= slideMs) {
      const end = start + windowMs
      const time = new Date(bound === 'end' ? end : start).toISOString().replace('Z', '000Z')
      const row = rows.get(`${device} ${time}`) ?? { device, time, n: 0, total: 0 }
      row.n += 1
      row.total += amount * factorOf(end)
      rows.set(`${device} ${time}`, row)
    }
  }
  return rows
}

async function actualRows(view: ReleaseView): Promise<Map<string, object>> {
  const rows = await foldChangelog(kafka, view.changelog.topic)
  return new Map(
    [...rows.values()].map((text) => {
      const row = JSON.parse(text)
      return [`${row.device} ${row.time}`, row]
    }),
  )
}

test('P2: carried and computed rows together are those of an independent computation', async () => {
  const clicks = clicksFrom(startMs, 900)
  const before = clicks.slice(0, 800)
  await publish(before)
  const live = await newRelease(1)
  const watermarks: number[] = []
  for (const view of Object.values(live.views)) watermarks.push(await compute(view, 'true'))
  const ends: Record<string, Record<string, string>> = {}
  for (const [name, { changelog }] of Object.entries(live.views)) {
    ends[name] = toRecord(await kafka.admin.endOffsets(changelog.topic))
  }
  const hourMs = 60 * minuteMs
  const timestampMs = Math.floor(Math.min(...watermarks) / hourMs) * hourMs
  await publish(clicks.slice(800))

  // A bug is mended: the amounts count ten times as much, in windows that end after the timestamp.
  const definition = await newRelease(10)
  const positions = Object.fromEntries(
    names.map((name, index) => [name, { watermark: watermarks[index] ?? 0, complete: true }]),
  )
  const plan = planCarry({
    timestampMs,
    definition,
    live: { release: 1, definition: live, positions },
  })
  assert.ok(!('refused' in plan), JSON.stringify(plan))
  const starts = startsAt(clicks, timestampMs - plan.leadMs)
  const producer = kafka.producer()
  for (const [name, view] of Object.entries(definition.views)) {
    const [old, carried] = [live.views[name] ?? assert.fail(), plan.views[name] ?? assert.fail()]
    const from = { release: 1, view: old, ends: ends[name] ?? {} }
    const job = { live: from, changelog: view.changelog, plan: carried }
    await carryRows(kafka, producer, job, new AbortController().signal)
    await readClicksFrom(JSON.stringify({ [topic]: starts }))
    await compute(view, carried.writeAfter)
  }
  await producer.close()

  assertHardCases(clicks, before, timestampMs)
  for (const name of names) {
    const wanted = expectedRows(name, countedClicks(clicks), (endMs) =>
      endMs > timestampMs ? 10 : 1,
    )
    const actual = await actualRows(definition.views[name] ?? assert.fail())
    assert.ok(actual.size > 20)
    assert.deepEqual(sorted(actual), sorted(wanted), name)
  }
})

/** Of each partition, the place of the first click that is not before the time. */
function startsAt(clicks: readonly Click[], timeMs: number): Record<string, number> {
  const starts: Record<string, number> = {}
  for (let partition = 0; partition < logPartitions; partition += 1) {
    const own = clicks.filter((click) => click.partition === partition)
    starts[partition] = own.findIndex(({ atMs }) => atMs >= timeMs)
  }
  return starts
}

/** What makes a boundary hard is in the log: else the test would show nothing. */
function assertHardCases(clicks: readonly Click[], read: readonly Click[], timestampMs: number) {
  const starts = startsAt(clicks, timestampMs - windows.sliding.windowMs)
  assert.ok(
    Object.values(starts).every((offset) => offset > 50),
    'reading begins in the middle',
  )
  const counted = countedClicks(clicks)
  const isNear = ({ atMs }: Click) => atMs < timestampMs && atMs > timestampMs - 60 * minuteMs
  assert.ok(
    counted.some((click) => isNear(click) && click.acceptedMs > timestampMs),
    'late',
  )
  const near = clicks.filter(isNear)
  assert.ok(new Set(near).size < near.length, 'duplicates')
  assert.ok(
    near.some((click) => !counted.includes(click)),
    'too late to count',
  )
  assert.ok(
    counted.some(({ atMs }) => atMs > timestampMs && atMs < timestampMs + 60 * minuteMs),
    'the live release has begun the window after the timestamp',
  )
  const after = clicks.slice(read.length)
  assert.ok(
    after.some((click) => read.includes(click)),
    'a duplicate comes after the copy',
  )
}

function sorted(rows: ReadonlyMap<string, object>): [string, object][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}

test('durations mean what Spark takes them for', async () => {
  const texts = ['1 hour', '90 minutes', 'interval 3 hours', 'INTERVAL 1 Day', '2 weeks']
  const combined = ['1 hour 30 minutes', '1 week 2 days 3 hours 4 minutes 5 seconds 6 milliseconds']
  for (const text of [...texts, ...combined]) {
    const [row] = await spark
      .sql(`SELECT unix_millis(window.end) - unix_millis(window.start) AS length,
          unix_millis(window.start) AS start
        FROM (SELECT timestamp_millis(${startMs}) AS at) GROUP BY window(at, '${text}', '${text}', '5 seconds')`)
      .collect()
    const { length, start } = row as { length: bigint; start: bigint }
    assert.equal(Number(length), parseSparkDuration(text), text)
    assert.equal((start - 5_000n) % length, 0n, text)
  }
})
