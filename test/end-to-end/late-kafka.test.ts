import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { startGuarded } from '@kappa/processes/guarded-process'
import { freePorts } from '@kappa/processes/ports'
import { copyFlights } from '../platform/flights-copy.ts'
import { serviceEnvironment } from '../platform/platform.ts'
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
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return server
}

async function start(name: ServiceName, run: string, kafkaPort: number) {
  mkdirSync(applicationsFolder, { recursive: true })
  const logFile = join(folder, `${name}-${run}.log`)
  const output = openSync(logFile, 'a')
  const child = await startGuarded(process.execPath, [join(root, 'services', name, 'main.ts')], {
    output,
    env: {
      ...serviceEnvironment({
        namespace,
        redisDatabase: 23,
        applicationsFolder,
        schemasFolder: copy.schemasFolder,
        folder,
      }),
      KAPPA_KAFKA_BROKERS: `127.0.0.1:${kafkaPort}`,
      KAPPA_KAFKA_START_TIMEOUT_MS: String(2 * timeoutMs),
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
