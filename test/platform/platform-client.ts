import { waitFor } from './wait.ts'

export interface Page {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly next_cursor?: string
  readonly meta: {
    readonly release: number
    readonly position: unknown
    /** ISO 8601. */
    readonly current_at: string
    readonly freshness_ms: number
    readonly complete: boolean
    readonly late_events: number
  }
}

const releaseTimeoutMs = 240_000

/** Of something that listens: a service, or what forwards to one. */
export interface Endpoint {
  /** Base URL; another one where it was started again. */
  readonly url: string
}

/** The platform as its users see it, wherever it runs: by the URLs of its services. */
export abstract class PlatformClient {
  abstract readonly ingest: Endpoint
  abstract readonly replay: Endpoint
  abstract readonly results: Endpoint

  async releaseStatus(application: string): Promise<ReleaseStatus> {
    const status = (await getJson(`${this.replay.url}/v1/applications/${application}`)) as {
      problems: string[]
      releases: ReleaseStatus[]
    }
    const release = status.releases[0]
    if (!release) throw new Error(`No release; problems: ${status.problems.join(' ')}`)
    return release
  }

  async untilLive(application: string): Promise<ReleaseStatus> {
    const state = await waitFor(
      `release of ${application}`,
      async () => {
        const status = await this.releaseStatus(application)
        return status.state === 'live' || status.state === 'failed' ? status : undefined
      },
      releaseTimeoutMs,
    )
    if (state.state === 'failed') throw new Error(`${application} failed: ${state.cause}`)
    return state
  }

  /** Waits until results says that a view holds every event that is in the log now. */
  async untilCurrent(
    application: string,
    views: readonly string[],
    timeoutMs = 300_000,
  ): Promise<void> {
    const since = Date.now()
    for (const view of views) {
      await waitFor(
        `view ${view} current as of now`,
        async () => {
          const page = await this.page(application, view, 'limit=1')
          return Date.parse(page.meta.current_at) >= since ? page : undefined
        },
        timeoutMs,
      )
    }
  }

  async page(application: string, view: string, query: string): Promise<Page> {
    return (await getJson(`${this.results.url}/v1/views/${application}/${view}?${query}`)) as Page
  }

  /** Every row of a view, page by page, through the results API. */
  async allRows(application: string, view: string): Promise<Page['rows']> {
    const rows: Page['rows'][number][] = []
    let cursor: string | undefined
    do {
      const query = new URLSearchParams({ limit: '1000', ...(cursor ? { cursor } : {}) })
      const page = await this.page(application, view, query.toString())
      rows.push(...page.rows)
      cursor = page.next_cursor
    } while (cursor !== undefined)
    return rows
  }
}

export interface ReleaseStatus {
  readonly release: number
  readonly state: string
  readonly cause: string | null
  readonly cluster: { readonly address: string; readonly starts: number } | null
  readonly views: readonly {
    readonly view: string
    readonly state: string
    readonly output_mode: string
    readonly lag_events: number | null
    readonly rows_dropped_by_watermark: number
    readonly last_error: string | null
    readonly position: {
      readonly batch: number
      readonly late_events: number
      readonly complete: boolean
      readonly undecodable_events: number
      readonly undecodable_newest?: readonly {
        readonly topic: string
        readonly partition: number
        readonly offset: string
        readonly reason: string
      }[]
    }
  }[]
}

/** @throws Error with the answer when it is not 200 */
export async function getJson(url: string): Promise<unknown> {
  const answer = await fetch(url)
  const text = await answer.text()
  if (answer.status !== 200)
    throw new Error(`${answer.status} from ${url}: ${text.slice(0, 1_000)}`)
  return JSON.parse(text)
}
