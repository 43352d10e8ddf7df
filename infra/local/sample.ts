import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishBatch, sampleBatches } from '@kappa/flights/sample/publish'
import { hasCode } from '@kappa/processes/error-code'
import { step } from '../setup/progress.mjs'
import { LocalError } from './local-error.ts'
import type { ServiceUrls } from './services.ts'
import { waitFor } from './wait.ts'

const REQUEST_TIMEOUT_MS = 30_000
const RELEASE_TIMEOUT_MS = 240_000
const VIEWS_TIMEOUT_MS = 600_000

/** What a view's table shows. */
export interface ViewSummary {
  readonly view: string
  readonly rows: number
  readonly freshnessMs: number
  readonly complete: boolean
}

interface ListedView {
  readonly application: string
  readonly view: string
  readonly rows: number
  readonly state: string
  readonly meta: {
    readonly current_at: string
    readonly freshness_ms: number
    readonly complete: boolean
  } | null
}

/** Waits until readers get the application's release. @throws LocalError the release failed */
export async function untilLive(urls: ServiceUrls, application: string, signal: AbortSignal) {
  const status = await waitFor(
    `the release of ${application} being live`,
    async () => {
      const answer = await getJson<{
        problems: string[]
        releases: { state: string; cause: string | null }[]
      }>(`${urls.replay}/v1/applications/${application}`)
      const release = answer.releases[0]
      if (answer.problems.length > 0) return { state: 'failed', cause: answer.problems.join('\n') }
      return release?.state === 'live' || release?.state === 'failed' ? release : undefined
    },
    { timeoutMs: RELEASE_TIMEOUT_MS, signal },
  )
  if (status.state === 'failed') throw new LocalError(`${application} failed: ${status.cause}`)
}

/**
 * Publishes the flights of January 2013 through ingest, as an import of history, unless an
 * earlier run has done so; one that was interrupted is continued.
 */
export async function publishSample(urls: ServiceUrls, stateFolder: string, signal: AbortSignal) {
  const file = join(stateFolder, 'sample-published.json')
  const batches = await sampleBatches()
  const done = batchesDone(file)
  if (done >= batches.length) return
  await step('Publishing the flights of January 2013', async (report) => {
    for (const [index, batch] of batches.entries()) {
      if (index < done) continue
      signal.throwIfAborted()
      // A batch that the interrupted run had published is older than what the topic has seen
      // by now, so ingest rejects it: its events are in the log.
      await publishBatch(urls.ingest, batch, { mayBeKnown: index === done && done > 0 })
      writeFileSync(file, JSON.stringify({ batches: index + 1 }))
      report.progress(index + 1, batches.length)
    }
  })
}

function batchesDone(file: string): number {
  try {
    return Number(JSON.parse(readFileSync(file, 'utf8')).batches)
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return 0
    throw error
  }
}

/** Waits until every view holds all that was published before the call. */
export async function untilViewsHold(
  urls: ServiceUrls,
  application: string,
  signal: AbortSignal,
): Promise<ViewSummary[]> {
  const since = Date.now()
  return step('Waiting until the views hold the events', (report) =>
    waitFor(
      'the views holding the events',
      async () => {
        const { views } = await getJson<{ views: ListedView[] }>(`${urls.results}/v1/views`)
        const own = views.filter((view) => view.application === application)
        const current = own.filter((view) => isCurrent(view, since))
        report.progress(current.length, own.length)
        return own.length > 0 && current.length === own.length ? own.map(summary) : undefined
      },
      { timeoutMs: VIEWS_TIMEOUT_MS, signal },
    ),
  )
}

function isCurrent(view: ListedView, since: number): boolean {
  return view.state === 'ready' && view.meta !== null && Date.parse(view.meta.current_at) >= since
}

function summary(view: ListedView): ViewSummary {
  return {
    view: view.view,
    rows: view.rows,
    freshnessMs: view.meta?.freshness_ms ?? Number.NaN,
    complete: view.meta?.complete ?? false,
  }
}

/** Prints the views, and some rows of the first. */
export async function showViews(
  urls: ServiceUrls,
  application: string,
  views: readonly ViewSummary[],
): Promise<void> {
  console.table(views)
  const first = views[0]?.view
  if (first === undefined) return
  const { rows } = await getJson<{ rows: Record<string, unknown>[] }>(
    `${urls.results}/v1/views/${application}/${first}?limit=5`,
  )
  console.table(rows)
}

async function getJson<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${answer.status} from ${url}: ${text.slice(0, 500)}`)
  return JSON.parse(text)
}
