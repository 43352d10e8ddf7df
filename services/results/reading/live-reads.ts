import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { LivePointer } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { Span } from '@kappa/service/tracing'
import type { Pointer, ViewStore } from '@kappa/view-store/view-store'
import type { ControlState } from '../control/control-state.ts'
import type { DeclaredPosition } from '../control/position-queue.ts'
import { hasReached, sourcesOf } from '../control/told-position.ts'
import type { Answer, LoadedView } from '../loading/loaded-view.ts'
import type { ResultsMetrics } from '../results-metrics.ts'
import { type Awaited, untilCovered } from './awaited.ts'
import type { Catalogue } from './catalogue.ts'
import { orUnavailable } from './or-unavailable.ts'
import type { UncountedEvents } from './uncounted-events.ts'

/** How long nothing may happen in the control topics until Redis is asked again. */
const RETRY_MS = 20

export interface LiveReadsParts {
  readonly catalogue: Pick<Catalogue, 'live' | 'isLoaded' | 'view' | 'views'>
  readonly control: ControlState
  readonly store: ViewStore
  readonly uncounted: Pick<UncountedEvents, 'check'>
  readonly metrics: ResultsMetrics
  /** How long a request waits for what another instance knows already. */
  readonly switchWaitMs: number
}

/** Whether what is read goes to Redis in one turn: then the pointer comes with it. */
export type Turns = 'one' | 'several'

export interface ReadOptions {
  readonly turns: Turns
  /** What the rows have to hold. */
  readonly awaited?: Awaited | undefined
  /** Of the request, while tracing is on: it is told what was answered. */
  readonly span?: Span | undefined
}

/** What was read in one release. */
export interface Attempt<T> {
  readonly result: T
  /** What the answer will tell of each view of which it has rows. */
  readonly declared: ReadonlyMap<LoadedView, DeclaredPosition>
}

/**
 * P4: reads for requests in the release that is live for every instance.
 *
 * The pointer in Redis is read right after the rows, and counts: with a newer epoch there, whatever
 * was read is thrown away, and read again when the control topics have told this instance of it.
 * So no answer mixes releases; once any instance has answered from the newer one, no request that
 * comes later is answered from the older one; and no row is of a time after the switch, when the
 * older release goes on for itself. An instance that knows a newer epoch than Redis sets the
 * pointer before it answers.
 *
 * Beside the pointer is the position that clients were told last of each view. An instance whose
 * position is older waits until it has heard of that one too; one whose position is newer notes it
 * before it answers. So positions do not go backwards either, whichever instance answers and
 * whatever release is live.
 */
export class LiveReads {
  readonly #parts: LiveReadsParts
  readonly #refreshing = new Map<LoadedView, Promise<void>>()

  constructor(parts: LiveReadsParts) {
    this.#parts = parts
  }

  /**
   * Reads one view. `read` may run several times; only what it did last counts.
   * @throws what `untilCovered`, `Catalogue.live`, `Catalogue.view` and `read` throw; ServiceError `switching` or
   *   `behind` when this instance does not hear in time what another one knows, `redis_unavailable`
   */
  async readView<T>(
    application: string,
    name: string,
    { turns, awaited, span }: ReadOptions,
    read: (view: LoadedView, answer: Answer) => Promise<T>,
  ): Promise<{ result: T; view: LoadedView; declared: DeclaredPosition }> {
    if (awaited) await this.#untilCovered(application, name, awaited, span)
    const names = [name]
    const answered = await this.read(
      application,
      () => names,
      turns,
      async (live) => {
        const view = this.#parts.catalogue.view(live, name)
        const answer = view.beginAnswer()
        const { declared } = answer
        const result = { result: await read(view, answer), view, declared }
        return { result, declared: new Map([[view, declared]]) }
      },
    )
    if (span) span.set(attributesOf(answered.view, answered.declared))
    return answered
  }

  /**
   * Reads in one release whatever `attempt` reads, of the views that `names` says.
   * @throws as `readView`
   */
  read<T>(
    application: string,
    names: (live: LivePointer) => readonly string[],
    turns: Turns,
    attempt: (live: LivePointer) => Promise<Attempt<T>>,
  ): Promise<T> {
    return orUnavailable(this.#read(application, names, turns, attempt), () =>
      this.#parts.metrics.redisErrors.inc(),
    )
  }

  async #untilCovered(
    application: string,
    name: string,
    awaited: Awaited,
    parent: Span | undefined,
  ): Promise<void> {
    const { catalogue, control, uncounted, metrics } = this.#parts
    const refresh = (view: LoadedView) => this.#refresh(view)
    const parts = { catalogue, control, uncounted, refresh }
    const span = parent?.child('await rows')
    try {
      const covered = untilCovered(parts, application, name, awaited)
      const traces = await orUnavailable(covered, () => metrics.redisErrors.inc())
      // Spark is between: what ties an event to the rows that hold it is its place in the log.
      for (const trace of traces) span?.link(trace)
    } catch (error) {
      span?.fail(error)
      throw error
    } finally {
      span?.end()
    }
  }

  async #read<T>(
    application: string,
    names: (live: LivePointer) => readonly string[],
    turns: Turns,
    attempt: (live: LivePointer) => Promise<Attempt<T>>,
  ): Promise<T> {
    const { catalogue, control, store, switchWaitMs } = this.#parts
    const deadline = Date.now() + switchWaitMs
    for (;;) {
      const live = catalogue.live(application)
      if (!catalogue.isLoaded(live) && this.#maySettle(live, deadline)) {
        await control.change(RETRY_MS)
        continue
      }
      const views = names(live)
      // Settled, not awaited: what fails in a release that is live no more is no error of a client.
      const attempted = settled(attempt(live))
      if (turns === 'several' || !store.readsPointerLast) await attempted
      const { pointer, told } = await store.pointer(application, views)
      if (pointer === undefined || pointer.epoch < live.epoch) {
        if (Date.now() > deadline) throw switching(live, pointer)
        await store.point(application, live.epoch, live.release)
      } else if (pointer.epoch !== live.epoch || pointer.release !== live.release) {
        await this.#untilKnown(live, pointer, deadline)
      } else {
        const outcome = await attempted
        if ('reason' in outcome) {
          await this.#orGiveUp(live, views, outcome.reason, deadline)
          continue
        }
        const { result, declared } = outcome.value
        const behind = await this.#tell(declared, (name) => told[views.indexOf(name)])
        if (!behind) return result
        await this.#catchUp(behind.view, behind.told, deadline)
      }
    }
  }

  async #untilKnown(live: LivePointer, pointer: Pointer, deadline: number): Promise<void> {
    const { control } = this.#parts
    while (control.live(live.application)?.epoch === live.epoch) {
      const leftMs = deadline - Date.now()
      if (leftMs <= 0) throw switching(live, pointer)
      await control.change(leftMs)
    }
  }

  /** A release that has just become live may still be on its way into this instance. */
  #maySettle({ application }: LivePointer, deadline: number): boolean {
    const { control, switchWaitMs } = this.#parts
    const switchedAt = control.switchedAt(application)
    if (switchedAt === undefined) return false
    return Date.now() <= Math.min(deadline, switchedAt + switchWaitMs)
  }

  async #orGiveUp(
    live: LivePointer,
    views: readonly string[],
    reason: unknown,
    deadline: number,
  ): Promise<void> {
    const { control, catalogue } = this.#parts
    const isLoading = reason instanceof ServiceError && reason.code === 'rebuilding'
    if (!isLoading || !this.#maySettle(live, deadline)) throw reason
    const loaded = catalogue.views(live).filter(({ name }) => views.includes(name))
    await Promise.all(loaded.map((view) => this.#refresh(view)))
    await control.change(RETRY_MS)
  }

  /** Notes what the answer will tell; returns a view of which clients were told more already. */
  async #tell(
    declared: Attempt<unknown>['declared'],
    toldLast: (view: string) => string | undefined,
  ): Promise<{ view: LoadedView; told: string } | undefined> {
    for (const [view, { token, record }] of declared) {
      const told = toldLast(view.name)
      if (told === token) continue
      if (told !== undefined && !isReached(record.sources, told)) return { view, told }
      const now = await this.#parts.store.tell(view.application, view.name, told, token)
      if (now !== token) return { view, told: now }
    }
    return undefined
  }

  async #catchUp(view: LoadedView, told: string, deadline: number): Promise<void> {
    await this.#refresh(view)
    if (Date.now() > deadline) {
      throw new ServiceError(
        'behind',
        `Another instance has answered a newer position of ${view.application}/${view.name} than this one has heard of; repeat the request.`,
        { retryAfterSeconds: 1 },
      )
    }
    const sources = view.declared()?.record.sources
    if (sources && isReached(sources, told)) return
    await this.#parts.control.change(RETRY_MS)
  }

  /** One at a time for each view, however many requests wait. */
  async #refresh(view: LoadedView): Promise<void> {
    const refreshing =
      this.#refreshing.get(view) ??
      view.refresh(this.#parts.store).finally(() => this.#refreshing.delete(view))
    this.#refreshing.set(view, refreshing)
    await refreshing
  }
}

function attributesOf(view: LoadedView, { record, token }: DeclaredPosition) {
  return {
    'kappa.application': view.application,
    'kappa.view': view.name,
    'kappa.release': view.release,
    'kappa.position': token,
    'kappa.freshness_ms': Math.max(0, Date.now() - record.current_at),
  }
}

/** Which of both it came to, without a rejection that nobody handles. */
function settled<T>(promise: Promise<T>): Promise<{ value: T } | { reason: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  )
}

/** What is no token says nothing: it was told by a version that wrote them otherwise. */
function isReached(sources: OffsetsByTopic, told: string): boolean {
  return hasReached(sources, sourcesOf(told) ?? {})
}

function switching(live: LivePointer, pointer: Pointer | undefined): ServiceError {
  return new ServiceError(
    'switching',
    `The application ${live.application} is switching to release ${pointer?.release ?? live.release}; repeat the request.`,
    { retryAfterSeconds: 1 },
  )
}
