import type { PositionRecord, ReleaseDefinition, ReleaseView } from '@kappa/applications/records'
import { quoteName } from '@kappa/applications/spark-sql'
import { formatDuration } from '@kappa/contracts/duration'
import { columnChanges } from '../definitions/column-changes.ts'
import { type ViewWindow, windowOf } from './window-of.ts'

/** A view of which the rows of some windows are taken over and the others computed. */
export interface CarriedView extends ViewWindow {
  /** Rows with a time column up to this (epoch ms) are carried, the others are computed. */
  readonly lastCarriedMs: number
  /** SQL condition over the view's columns: keeps the rows of windows that end after the timestamp. */
  readonly writeAfter: string
}

export interface CarryPlan {
  readonly timestampMs: number
  /**
   * Length of the longest window. A window that ends after the timestamp starts after `timestampMs -
   * leadMs`, so reading must begin where no event of that time or later has been passed by.
   */
  readonly leadMs: number
  readonly views: Readonly<Record<string, CarriedView>>
}

type Definition = Pick<ReleaseDefinition, 'views' | 'sources'>

export interface CarryRequest {
  readonly timestampMs: number
  /** Of the release to be built, its views analysed. */
  readonly definition: Definition
  readonly live: {
    readonly release: number
    readonly definition: Definition
    /** By view. */
    readonly positions: Readonly<
      Record<string, Pick<PositionRecord, 'watermark' | 'complete'> | undefined>
    >
  }
}

/**
 * Decides, for all views of an application together, whether the rows of windows that end at or
 * before the timestamp can come from the live release, and what is then left to compute.
 *
 * @returns otherwise every reason against it, each a sentence with what to do
 */
export function planCarry(request: CarryRequest): CarryPlan | { refused: readonly string[] } {
  const refused: string[] = []
  const views: Record<string, CarriedView> = {}
  for (const [name, view] of Object.entries(request.definition.views)) {
    const window = windowOf(view, request.definition.sources)
    if ('refused' in window) {
      refused.push(`View ${name} ${window.refused}.`)
      continue
    }
    const reasons = [
      ...differences(name, view, window, request.live),
      ...boundaryProblems(request.timestampMs, window),
      ...progressProblems(name, request),
    ]
    refused.push(...reasons.map((reason) => `View ${name} ${reason}.`))
    views[name] = carriedView(request.timestampMs, window)
  }
  if (refused.length > 0) return { refused }
  const leadMs = Math.max(...Object.values(views).map(({ windowMs }) => windowMs))
  return { timestampMs: request.timestampMs, leadMs, views }
}

/** Depends on the definition and the timestamp alone, so a release that restarts writes the same rows. */
export function carriedView(timestampMs: number, window: ViewWindow): CarriedView {
  const lastCarriedMs = window.bound === 'end' ? timestampMs : timestampMs - window.windowMs
  const writeAfter = `${quoteName(window.timeColumn)} > timestamp_millis(${lastCarriedMs})`
  return { ...window, lastCarriedMs, writeAfter }
}

/** Carried rows stand beside computed ones, so both must be rows of one and the same view. */
function differences(
  name: string,
  view: ReleaseView,
  window: ViewWindow,
  live: CarryRequest['live'],
): string[] {
  const old = live.definition.views[name]
  const which = `the live release ${live.release}`
  if (old === undefined) return [`is not in ${which}; replay it from the beginning`]
  const oldWindow = windowOf(old, live.definition.sources)
  if ('refused' in oldWindow)
    return [
      `of ${which} ${oldWindow.refused}; that one cannot be changed, so replay from the beginning`,
    ]
  const reasons: string[] = []
  const differs = (what: string, oldText: string, newText: string) => {
    if (oldText === newText) return
    reasons.push(
      `has ${what} ${newText}, ${which} has ${oldText}: rows of both cannot stand in one view; replay it from the beginning`,
    )
  }
  differs('the key', old.key.join(', '), view.key.join(', '))
  differs('windows of', describe(oldWindow), describe(window))
  const changes = columnChanges(old.columns, view.columns)
  if (changes.length > 0) {
    const text = (type: string | null) => type ?? 'absent'
    const list = changes.map(
      ({ column, old_type, new_type }) =>
        `${column} (${text(old_type)} there, ${text(new_type)} here)`,
    )
    reasons.push(
      `has other columns than ${which}: ${list.join(', ')}; replay it from the beginning`,
    )
  } else {
    const order = (columns: ReleaseView['columns']) =>
      columns.map((column) => column.name).join(', ')
    differs('the columns', order(old.columns), order(view.columns))
  }
  return reasons
}

function describe({ windowMs, slideMs, offsetMs, timeColumn, bound }: ViewWindow): string {
  const [length, slide, offset] = [windowMs, slideMs, offsetMs].map(formatDuration)
  return `${length} every ${slide} from ${offset} on, told by their ${bound} in ${timeColumn}`
}

function boundaryProblems(timestampMs: number, { slideMs, offsetMs }: ViewWindow): string[] {
  const into = (((timestampMs - offsetMs) % slideMs) + slideMs) % slideMs
  if (into === 0) return []
  const before = timestampMs - into
  return [
    `has no window that starts at ${instant(timestampMs)}; take ${instant(before)} or ${instant(before + slideMs)}`,
  ]
}

function progressProblems(name: string, { timestampMs, live }: CarryRequest): string[] {
  const position = live.positions[name]
  const which = `the live release ${live.release}`
  if (position?.watermark === undefined) {
    return [`has no watermark in ${which} yet; wait until events have moved it past the timestamp`]
  }
  const problems: string[] = []
  if (!position.complete) {
    problems.push(
      `is incomplete in ${which}, so that its rows may lack events; replay it from the beginning`,
    )
  }
  const behindMs = timestampMs - position.watermark
  if (behindMs > 0) {
    problems.push(
      `has its watermark in ${which} at ${instant(position.watermark)}, ${formatDuration(behindMs)} before the timestamp: windows before it may still change; wait, or take an earlier timestamp`,
    )
  }
  return problems
}

function instant(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
