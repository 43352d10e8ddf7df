/** `npm start`: the embedded stack, the services and the example, until Ctrl-C. */
import { once } from 'node:events'
import { step } from '../setup/progress.mjs'
import { readComponents } from './components.ts'
import { publishSample, showViews, untilLive, untilViewsHold } from './sample.ts'
import { startServices } from './services.ts'
import { ensureSparkArchive } from './spark.ts'
import { type Stack, startStack } from './stack.ts'
import { stateFolder } from './state-folder.ts'

const APPLICATION = 'flights'
const PORTS = { kafka: 9092, s3: 8333, redis: 6379 }

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error('Interrupted.')))
}

const folder = stateFolder()
let stack: Stack | undefined
try {
  const components = readComponents()
  await ensureSparkArchive(components)
  const started = await step('Starting Kafka, the object store and Redis', () =>
    startStack({ stateFolder: folder, ports: PORTS, components, signal: interrupted.signal }),
  )
  stack = started
  if (started.swept.length > 0) {
    console.log(`  Ended what an earlier run had left: ${started.swept.join(', ')}`)
  }
  started.failed.catch((error: Error) => interrupted.abort(error))
  await serve(started)
  throw interrupted.signal.reason
} catch (error) {
  const byUser = interrupted.signal.aborted && (error as Error).message === 'Interrupted.'
  const shown = interrupted.signal.aborted ? interrupted.signal.reason : error
  if (!byUser) console.error(`\n${(shown as Error).message}\n`)
  process.exitCode = byUser ? 0 : 1
} finally {
  if (stack !== undefined) {
    const running = stack
    await step('Stopping', () => running.stop())
  }
  process.exit()
}

async function serve(running: Stack): Promise<void> {
  const { signal } = interrupted
  const urls = await step('Starting ingest, replay and results', () => startServices(running))
  await step(`Starting Spark for ${APPLICATION}`, () => untilLive(urls, APPLICATION, signal))
  await publishSample(urls, folder, signal)
  const views = await untilViewsHold(urls, APPLICATION, signal)
  await showViews(urls, APPLICATION, views)
  const first = views[0]?.view
  console.log(`
  ingest    ${urls.ingest}/docs    publish events
  replay    ${urls.replay}/docs    releases and their state
  results   ${urls.results}/docs    query views, for example ${urls.results}/v1/views/${APPLICATION}/${first}
  Kafka ${running.connection.kafkaBrokers}, object store ${running.connection.s3.endpoint}, Redis ${running.connection.redisUrl}
  Data and logs: ${folder}. Ctrl-C stops.
`)
  if (!signal.aborted) await once(signal, 'abort')
}
