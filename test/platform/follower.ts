import { ResultsClient } from '@kappa/client/results-client'
import { waitFor } from './wait.ts'

/** The rows of a view, kept by following its changes over breaks and switches. */
export class Follower {
  readonly rows = new Map<string, Readonly<Record<string, unknown>>>()
  readonly releases: number[] = []
  breaks = 0
  /** Snapshots after the first: a follower that goes on needs none. */
  snapshots = 0
  #currentAt = 0
  readonly #client: ResultsClient
  readonly #over = new AbortController()
  readonly #following: Promise<void>

  constructor(resultsUrl: string, application: string, view: string) {
    this.#client = new ResultsClient({ url: resultsUrl })
    this.#following = this.#follow(application, view)
    this.#following.catch(() => undefined)
  }

  /** Resolves when everything that was in the log at the time of the call was told. */
  async untilCurrent(timeoutMs: number): Promise<void> {
    const since = Date.now()
    const current = waitFor(
      'a follower being current',
      async () => this.#currentAt >= since || undefined,
      timeoutMs,
    )
    await Promise.race([current, this.#following])
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#following.catch((error: unknown) => {
      if (!this.#over.signal.aborted) throw error
    })
    this.#client.close()
  }

  async #follow(application: string, view: string): Promise<void> {
    const { signal } = this.#over
    const onBreak = () => {
      this.breaks += 1
    }
    const changes = this.#client
      .view<Record<string, unknown>>(application, view)
      .subscribe({}, { signal, onBreak })
    for await (const event of changes) {
      if (event.type === 'snapshot') {
        if (this.#currentAt > 0) this.snapshots += 1
        this.rows.clear()
      }
      if (event.type === 'row') this.rows.set(JSON.stringify(event.key), event.row)
      if (event.type === 'delete') this.rows.delete(JSON.stringify(event.key))
      if (event.type === 'release') this.releases.push(event.to)
      if (event.type === 'current') this.#currentAt = Date.parse(event.meta.current_at)
    }
  }
}
