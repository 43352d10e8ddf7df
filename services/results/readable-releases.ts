import { type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import type { ControlState } from './control-state.ts'
import { LoadedView } from './loaded-view.ts'
import { type LoaderParts, ReleaseLoader } from './release-loader.ts'
import { labelsOf } from './results-metrics.ts'

/** Loads every release that readers can get, and lets go of those that they no longer can. */
export class ReadableReleases {
  readonly #parts: LoaderParts
  readonly #control: ControlState
  readonly #onFailure: (error: unknown) => void
  readonly #loaders = new Map<string, ReleaseLoader>()
  #work: Promise<void> = Promise.resolve()
  #closed = false

  constructor(parts: LoaderParts, control: ControlState, onFailure: (error: unknown) => void) {
    this.#parts = parts
    this.#control = control
    this.#onFailure = onFailure
  }

  view(application: string, release: number, name: string): LoadedView | undefined {
    return this.#loaders.get(releaseKey(application, release))?.views.get(name)
  }

  *views(): Iterable<LoadedView> {
    for (const loader of this.#loaders.values()) yield* loader.views.values()
  }

  /** To be called when the control state changed. One change at a time; the last one counts. */
  reconcile(): Promise<void> {
    this.#work = this.#work.then(() => this.#reconcile()).catch(this.#onFailure)
    return this.#work
  }

  /** @throws the Redis client's error while Redis is away */
  async check(): Promise<void> {
    await Promise.all([...this.#loaders.values()].map((loader) => loader.check()))
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#loaders.values()].map((loader) => loader.close()))
    await this.#work
  }

  async #reconcile(): Promise<void> {
    if (this.#closed) return
    const wanted = new Map(
      this.#control
        .readable()
        .map((record) => [releaseKey(record.application, record.release), record]),
    )
    for (const [key, loader] of this.#loaders) {
      if (wanted.has(key)) continue
      this.#loaders.delete(key)
      await loader.close()
    }
    for (const [key, record] of wanted) {
      if (!this.#loaders.has(key)) await this.#load(key, record)
    }
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
          positions: this.#control.positions(record.application, record.release, name),
          ends: ends.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset),
          onRebuild: () => {
            metrics.rebuilds.inc(labels)
            logger.warn(labels, 'Redis has less than it had: answering 503 until it is rebuilt')
          },
        })
        return view
      }),
    )
    const loader = new ReleaseLoader(this.#parts, record, views, begins)
    const { finished } = await loader.start()
    if (this.#closed) return loader.close()
    finished.catch(this.#onFailure)
    this.#loaders.set(key, loader)
    logger.info({ application: record.application, release: record.release }, 'release loaded')
  }
}
