import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { startGuarded } from '@kappa/processes/guarded-process'
import { freePorts } from '@kappa/processes/ports'
import { copyFlights } from '../platform/flights-copy.ts'
import type { ServiceName } from '../platform/service-process.ts'
import { waitFor } from '../platform/wait.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-late-kafka'
const folder = join(testStack().stateFolder, namespace)
const copy = copyFlights(join(folder, 'files'), namespace)
const root = join(import.meta.dirname, '..', '..')
const applicationsFolder = join(folder, 'no-applications')
const timeoutMs = 60_000

for (const name of ['ingest', 'replay', 'results'] as const) {
  test(`${name} waits for a Kafka that comes later, and ends at once when told to while it waits`, async () => {
    const [port] = (await freePorts([0])) as [number]
    const told = await start(name, 'told', port)
    const waiting = await start(name, 'waiting', port)
    let kafka: Server | undefined
    try {
      await Promise.all([told, waiting].map((each) => each.says('Waiting for Kafka')))
      await told.stop()
      assert.equal(await told.exited, 'ended with 0')
      assert.doesNotMatch(told.log(), /could not start|"listening"/)
      kafka = await forwardToKafka(port)
      await waiting.says('"listening"')
    } finally {
      await Promise.all([told.stop(), waiting.stop()])
      kafka?.close()
    }
  })
}

/** Kafka names itself to whoever has reached it: only the first connections come this way. */
async function forwardToKafka(port: number): Promise<Server> {
  const [host, kafkaPort] = testStack().kafkaBrokers.split(':') as [string, string]
  const server = createServer((socket) => {
    const kafka = connect(Number(kafkaPort), host)
    for (const each of [socket, kafka])
      each.on('error', () => [socket, kafka].map((s) => s.destroy()))
    socket.pipe(kafka).pipe(socket)
  })
  server.listen(port, '127.0.0.1')
  await waitFor(
    'a way to Kafka',
    async () => (server.address() as AddressInfo | null)?.port,
    timeoutMs,
  )
  return server
}

async function start(name: ServiceName, run: string, kafkaPort: number) {
  const stack = testStack()
  mkdirSync(applicationsFolder, { recursive: true })
  const logFile = join(folder, `${name}-${run}.log`)
  const output = openSync(logFile, 'a')
  const child = await startGuarded(process.execPath, [join(root, 'services', name, 'main.ts')], {
    output,
    env: {
      KAPPA_NAMESPACE: namespace,
      KAPPA_HTTP_PORT: '0',
      KAPPA_KAFKA_BROKERS: `127.0.0.1:${kafkaPort}`,
      KAPPA_KAFKA_START_TIMEOUT_MS: String(2 * timeoutMs),
      KAPPA_REDIS_URL: `${stack.redisUrl}/23`,
      KAPPA_REDIS_PASSWORD_FILE: stack.redisPasswordFile,
      KAPPA_S3_ENDPOINT: stack.s3.endpoint,
      KAPPA_S3_REGION: stack.s3.region,
      KAPPA_S3_BUCKET: stack.s3.bucket,
      KAPPA_S3_CREDENTIALS_FILE: stack.s3.credentialsFile,
      KAPPA_APPLICATIONS_FOLDER: applicationsFolder,
      KAPPA_SCHEMAS_FOLDER: copy.schemasFolder,
      KAPPA_SPARK_JARS_FOLDER: stack.sparkJarsFolder,
      KAPPA_SPARK_ARCHIVE_FILE: stack.sparkArchiveFile,
      KAPPA_SPARK_WORK_FOLDER: join(folder, 'spark'),
      KAPPA_JAVA: stack.java,
      KAPPA_LOG_LEVEL: 'info',
    },
  }).finally(() => closeSync(output))
  const log = () => readFileSync(logFile, 'utf8')
  const ended = child.exited.then((how) => {
    throw new Error(`${name} ${how}:\n${log()}`)
  })
  ended.catch(() => undefined)
  const found = (text: string) => async () => log().includes(text) || undefined
  return {
    exited: child.exited,
    log,
    says: (text: string) =>
      Promise.race([waitFor(`${name}: ${text}`, found(text), timeoutMs), ended]),
    stop: () => child.stop(timeoutMs),
  }
}
