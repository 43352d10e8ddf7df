import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { planStream, type StreamSource } from '@kappa/applications/stream-plan'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { testStack } from '@kappa/test/stack'
import type { Cluster } from '../launchers/launcher.ts'
import { LocalLauncher } from '../launchers/local/local-launcher.ts'

const source: StreamSource = {
  name: 'delays',
  topic: 'delays',
  eventTime: 'at',
  latenessMs: 0,
  earlinessMs: 0,
  importDisorderMaxMs: 0,
  columns: ['at'],
  versions: [
    {
      schemaId: 0xab,
      schema: '{"type":"record","name":"R","fields":[{"name":"at","type":"long"}]}',
    },
  ],
  readerSchema: '{"type":"record","name":"R","fields":[{"name":"at","type":"long"}]}',
}

const header = (key: string, value: string | null) =>
  `named_struct('key', '${key}', 'value', CAST(${value === null ? 'NULL' : `'${value}'`} AS BINARY))`

/** Kafka's columns of a record; `value` is hexadecimal. */
const record = (value: string | null, headers: readonly string[] | null) =>
  `SELECT ${value === null ? 'CAST(NULL AS BINARY)' : `X'${value}'`} AS value,
     CAST(${headers === null ? 'NULL' : `array(${headers.join(', ')})`} AS array<struct<key: string, value: binary>>) AS headers,
     'delays' AS topic, 3 AS partition, 17L AS offset, TIMESTAMP '2013-01-01 00:00:00' AS timestamp`

let cluster: Cluster
let session: SparkSession

before(async () => {
  const { java, sparkJarsFolder, sparkArchiveFile, stateFolder } = testStack()
  const launcher = new LocalLauncher({
    java,
    jarsFolder: sparkJarsFolder,
    archiveFile: sparkArchiveFile,
    workFolder: join(stateFolder, 'headers'),
    stopTimeoutMs: 10_000,
  })
  cluster = await launcher.start(
    { application: 'headers', release: 1, cores: 1, executors: 1, memory: '1g', sparkConf: {} },
    { timeoutMs: 120_000, signal: new AbortController().signal },
  )
  const { address, token } = cluster
  session = await connectSpark({ address, token, userId: 'headers-test' })
})

after(async () => {
  session?.detach()
  await cluster?.stop()
})

async function envelopeOf(sql: string): Promise<Record<string, unknown>> {
  const [row] = await session
    .sql(sql)
    .select(...planStream(source, { watermarkSlackMs: 0 }).envelope)
    .collect()
  assert.ok(row)
  return row
}

const cases: readonly (readonly [string, readonly string[] | null, string | null])[] = [
  ['no headers', null, null],
  ['an empty list', [], null],
  ['other headers only', [header('kappa', 'a'), header('kappa-id-', 'b')], null],
  ['one among others', [header('x', 'a'), header('kappa-id', 'b'), header('y', 'c')], 'b'],
  ['the last of two', [header('kappa-id', 'a'), header('kappa-id', 'b'), header('y', 'c')], 'b'],
  ['a null value', [header('kappa-id', 'a'), header('kappa-id', null)], null],
  ['an empty value', [header('kappa-id', '')], ''],
]

for (const [what, headers, id] of cases) {
  test(`P2: of a record's headers the last of a name counts: ${what}`, async () => {
    assert.equal((await envelopeOf(record(null, headers)))._header_id, id)
  })
}

test('P2: a record is decoded by the schema id in front of it, and by no other', async () => {
  const decoded = async (value: string | null) => (await envelopeOf(record(value, null)))._record
  assert.deepEqual(await decoded('00000000AB02'), { at: 1n })
  assert.equal(await decoded('00000000AC02'), null)
  assert.equal(await decoded('01000000AB02'), null)
  assert.equal(await decoded('0000'), null)
  assert.equal(await decoded(''), null)
  assert.equal(await decoded(null), null)
})
