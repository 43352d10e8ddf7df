import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { LivePointer } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { ControlState } from '../control/control-state.ts'
import { hasReached, sourcesOf } from '../control/told-position.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import type { UncountedEvents } from './uncounted-events.ts'

/** What a client waits for before it is answered. */
export interface Awaited {
  /** Next offsets that the rows must hold all events before. */
  readonly position: OffsetsByTopic
  readonly timeoutMs: number
  /** Whether it is enough that the events were read, where their rows come only later. */
  readonly readIsEnough: boolean
}

export interface AwaitOptions {
  readonly await?: string
  readonly await_for?: 'rows' | 'read'
  readonly timeout_ms?: number
}

export const awaitTimeoutMsByDefault = 10_000

/** @throws ServiceError `bad_request` */
export function readAwaited(options: AwaitOptions): Awaited | undefined {
  if (options.await === undefined) return undefined
  const position = sourcesOf(options.await)
  if (position === undefined) {
    throw new ServiceError(
      'bad_request',
      '"await" is not a position that ingest or results has given; pass on `position` of its answer as it is.',
    )
  }
  return {
    position,
    timeoutMs: options.timeout_ms ?? awaitTimeoutMsByDefault,
    readIsEnough: options.await_for === 'read',
  }
}

export interface AwaitParts {
  readonly catalogue: {
    live(application: string): LivePointer
    view(live: LivePointer, name: string): LoadedView
  }
  readonly control: Pick<ControlState, 'change' | 'release'>
  readonly uncounted: Pick<UncountedEvents, 'check'>
  /** Asks Redis what is applied, as another instance may have applied it. */
  refresh(view: LoadedView): Promise<void>
}

/** How long nothing may happen in the control topics until Redis is asked again. */
const RETRY_MS = 20

/**
 * Waits until the live rows of a view hold everything up to a position (P6).
 * @throws ServiceError `await_timeout` with the position that was reached; `not_counted` when an event
 *   of the position is none that the view counts; `not_awaitable` for a view whose rows come later
 *   than its events are read, `bad_request` for a position in topics that the view does not read;
 *   what the catalogue throws
 */
export async function untilCovered(
  parts: AwaitParts,
  application: string,
  name: string,
  awaited: Awaited,
): Promise<readonly string[]> {
  const deadline = Date.now() + awaited.timeoutMs
  for (;;) {
    const view = loadedView(parts, application, name, deadline)
    if (view === undefined) {
      await parts.control.change(RETRY_MS)
      continue
    }
    requireAwaitable(view, awaited)
    const reached = view.declared()?.record.sources
    // Before its first batch nobody knows which topics a view reads.
    if (reached !== undefined && Object.keys(reached).length > 0) {
      const read = topicsOf(awaited.position, reached)
      if (read.length === 0) throw readsNoneOf(view, awaited.position, reached)
      const position = Object.fromEntries(read)
      if (hasReached(reached, position)) {
        return parts.uncounted.check(view, position)
      }
    }
    if (Date.now() >= deadline) throw timedOut(view, awaited)
    await parts.control.change(Math.min(RETRY_MS, deadline - Date.now()))
    await parts.refresh(view)
  }
}

/** undefined while it is being loaded: who waits for a position waits for that, too. */
function loadedView(
  { catalogue }: AwaitParts,
  application: string,
  name: string,
  deadline: number,
): LoadedView | undefined {
  try {
    return catalogue.view(catalogue.live(application), name)
  } catch (error) {
    const isLoading = error instanceof ServiceError && error.code === 'rebuilding'
    if (isLoading && Date.now() < deadline) return undefined
    throw error
  }
}

function topicsOf(position: OffsetsByTopic, reached: OffsetsByTopic) {
  return Object.entries(position).filter(([topic]) => topic in reached)
}

function requireAwaitable(view: LoadedView, { readIsEnough }: Awaited): void {
  if (view.definition.outputMode !== 'append' || readIsEnough) return
  throw new ServiceError(
    'not_awaitable',
    `A row of ${view.application}/${view.name} comes when the watermark has passed its events, not when they are read. With await_for=read the answer waits until they are read.`,
  )
}

function readsNoneOf(
  view: LoadedView,
  position: OffsetsByTopic,
  reached: OffsetsByTopic,
): ServiceError {
  return new ServiceError(
    'bad_request',
    `"await" is a position in ${Object.keys(position).join(', ')}; ${view.application}/${view.name} reads ${Object.keys(reached).join(', ')}.`,
  )
}

function timedOut(view: LoadedView, { timeoutMs }: Awaited): ServiceError {
  const position = view.declared()?.token ?? null
  return new ServiceError(
    'await_timeout',
    `The rows of ${view.application}/${view.name} did not reach the position within ${timeoutMs} ms; it may still come.`,
    { details: { release: view.release, position } },
  )
}
