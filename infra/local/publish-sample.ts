/**
 * `npm run sample`: publishes the flights of the example to services that run already, in containers
 * for example, and waits until the views hold them. They are found where the tour has them, or where
 * KAPPA_INGEST_URL, KAPPA_REPLAY_URL and KAPPA_RESULTS_URL say.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publishSample, rowsOf, showViews, untilLive, untilViewsHold } from './sample.ts'
import { DEFAULT_SERVICE_PORTS } from './services.ts'

const APPLICATION = 'flights'

const { env } = process
const urlOf = (name: keyof typeof DEFAULT_SERVICE_PORTS) =>
  env[`KAPPA_${name.toUpperCase()}_URL`] ?? `http://127.0.0.1:${DEFAULT_SERVICE_PORTS[name]}`
const urls = { ingest: urlOf('ingest'), replay: urlOf('replay'), results: urlOf('results') }
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interrupted.abort(new Error('Interrupted.')))
}
const { signal } = interrupted
const folder = mkdtempSync(join(tmpdir(), 'kappa-sample-'))
try {
  await untilLive(urls, APPLICATION, signal)
  if ((await rowsOf(urls, APPLICATION)) > 0) console.log('The views hold flights already.')
  else await publishSample(urls, folder, signal)
  await showViews(urls, APPLICATION, await untilViewsHold(urls, APPLICATION, signal))
} catch (error) {
  console.error(`\n${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
