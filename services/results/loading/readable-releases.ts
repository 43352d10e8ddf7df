import { type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import { KafkaError } from '@kappa/kafka/port'
import type { ReleaseRows } from '@kappa/view-store/release-rows'
import { labelsOf } from '../results-metrics.ts'
import { LoadedView } from './loaded-view.ts'
import { ChangelogGoneError } from './partition-applier.ts'
import { type LoaderParts, ReleaseLoader } from './release-loader.ts'

export interface ReadableReleasesParts extends LoaderParts {
  readonly rows: Pick<ReleaseRows, 'removeRows'>
}

/** Loads every release that readers get or may get next, and lets go of the others. */
export class ReadableReleases {
  readonly #parts: ReadableReleasesParts
  readonly #onFailure: (error: unknown) => void
  readonly #loaders = new Map<string, ReleaseLoader>()
  #work: Promise<void> = Promise.resolve()
  #closed = false

  constructor(parts: ReadableReleasesParts, onFailure: (error: unknown) => void) {
    this.#parts = parts
    this.#onFailure = onFailure
  }

  isLoaded(application: string, release: number): boolean {
    return this.#loaders.has(releaseKey(application, release))
  }

  view(application: string, release: number, name: string): LoadedView | undefined {
    return this.#loaders.get(releaseKey(application, release))?.views.get(name)
  }

  *views(): Iterable<LoadedView> {
    for (const loader of this.#loaders.values()) yield* loader.views.values()
  }

  /** The releases that are loaded, with the state that they are in now. */
  states(): { application: string; state: string }[] {
    return [...this.#loaders.values()].map(({ release: { application, release } }) => ({
      application,
      state: this.#parts.control.release(application, release)?.state ?? 'unknown',
    }))
  }

  /** Records that this instance has still to apply, of each view. */
  *lags(): Iterable<{ application: string; release: number; name: string; records: number }> {
    for (const loader of this.#loaders.values()) {
      for (const view of loader.views.values()) {
        const { application, release, name } = view
        yield { application, release, name, records: loader.lagOf(view) }
      }
    }
  }

  /** Changelog partitions that this instance applies, of each release. */
  *assigned(): Iterable<{ application: string; release: number; partitions: number }> {
    for (const { release: record, assigned } of this.#loaders.values()) {
      yield { application: record.application, release: record.release, partitions: assigned }
    }
  }

  /** To be called when the control state changed. One change at a time; the last one counts. */
  reconcile(): Promise<void> {
    this.#work = this.#work.then(() => this.#reconcile()).catch(this.#onFailure)
    return this.#work
  }

  /** @throws the Redis client's error while Redis is away */
  async check(): Promise<void> {
    await Promise.all(
      [...this.#loaders].map(async ([key, loader]) => {
        try {
          await loader.check()
        } catch (error) {
          if (!(error instanceof ChangelogGoneError)) throw error
          await this.#onEnd(key, loader, error)
        }
      }),
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#loaders.values()].map((loader) => loader.close()))
    await this.#work
  }

  async #reconcile(): Promise<void> {
    if (this.#closed) return
    const wanted = new Map(
      this.#parts.control
        .readable()
        .filter((record) => !this.#parts.isRefused(record))
        .map((record) => [releaseKey(record.application, record.release), record]),
    )
    for (const [key, loader] of this.#loaders) {
      if (wanted.has(key)) continue
      this.#loaders.delete(key)
      await loader.close()
      await this.#removeIfRefused(loader.release)
    }
    const missing = [...wanted].filter(([key]) => !this.#loaders.has(key))
    await Promise.all(missing.map(([key, record]) => this.#loadOrSkip(key, record)))
  }

  /** Whichever instance is the last to let go of a release leaves nothing of it. */
  async #removeIfRefused(record: ReleaseRecord): Promise<void> {
    if (!this.#parts.isRefused(record)) return
    const { application, release } = record
    try {
      await this.#parts.rows.removeRows(application, release)
    } catch (error) {
      // A Redis that is away has lost them, or they are removed when it is nearly full again.
      this.#parts.logger.warn({ err: error, application, release }, 'rows cannot be removed')
    }
  }

  async #loadOrSkip(key: string, record: ReleaseRecord): Promise<void> {
    try {
      await this.#load(key, record)
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== 'unknown_topic') throw error
      this.#logDropped(record, error)
    }
  }

  /** A loader that ends by itself ends the service, unless its release is being removed. */
  async #onEnd(key: string, loader: ReleaseLoader, cause: unknown): Promise<void> {
    const isRemoved = await loader.isRemoved().catch((error: unknown) => {
      const { application, release } = loader.release
      const text = 'Kafka does not say which changelogs are there'
      this.#parts.logger.warn({ err: error, application, release }, text)
      return false
    })
    if (this.#loaders.get(key) !== loader) return
    if (!isRemoved) return this.#onFailure(cause)
    this.#loaders.delete(key)
    await loader.close()
    if (!this.#parts.isRefused(loader.release)) this.#logDropped(loader.release, cause)
    await this.#removeIfRefused(loader.release)
  }

  #logDropped({ application, release }: ReleaseRecord, cause: unknown): void {
    const text = 'the release is not loaded: its changelogs have been deleted'
    this.#parts.logger.warn({ err: cause, application, release }, text)
  }

  async #load(key: string, record: ReleaseRecord): Promise<void> {
    const { kafka, metrics, logger } = this.#parts
    const begins = new Map()
    const views = await Promise.all(
      Object.entries(record.definition.views).map(async ([name, definition]) => {
        const { topic, partitions } = definition.changelog
        const [begin, ends] = await Promise.all([
          kafka.admin.beginOffsets(topic),
          kafka.admin.endOffsets(topic),
        ])
        if (ends.length !== partitions) {
          throw new Error(`${topic} has ${ends.length} partitions, its release says ${partitions}`)
        }
        begins.set(topic, begin)
        const labels = labelsOf({ ...record, name })
        const view = new LoadedView({
          namespace: this.#parts.namespace,
          application: record.application,
          release: record.release,
          name,
          definition,
          positions: this.#parts.control.positions(record.application, record.release, name),
          ends: ends.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset),
          onRebuild: () => {
            metrics.rebuilds.inc(labels)
            logger.warn(labels, 'Redis has less than it had: answering 503 until it is rebuilt')
            this.#parts.onRebuild()
          },
        })
        return view
      }),
    )
    const loader = new ReleaseLoader(this.#parts, record, views, begins)
    const { finished } = await loader.start()
    if (this.#closed) return loader.close()
    this.#loaders.set(key, loader)
    finished.catch((error: unknown) => this.#onEnd(key, loader, error))
    logger.info({ application: record.application, release: record.release }, 'release loaded')
  }
}
