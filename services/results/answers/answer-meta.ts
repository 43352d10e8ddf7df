import { Type } from 'typebox'
import type { ControlState } from '../control/control-state.ts'
import type { DeclaredPosition } from '../control/position-queue.ts'
import type { LoadedView } from '../loading/loaded-view.ts'

export const AnswerMetaSchema = Type.Object(
  {
    application: Type.String(),
    view: Type.String(),
    release: Type.Integer({ description: 'The release whose rows these are; never a mix of two.' }),
    position: Type.String({
      description: 'Opaque token: the source offsets up to which every event is in the rows.',
    }),
    as_of: Type.Union([Type.String(), Type.Null()], {
      description: 'When the newest event in the rows was accepted; null before the first one.',
    }),
    current_at: Type.String({
      description: 'Every event that was accepted before this time is in the rows.',
    }),
    freshness_ms: Type.Integer({ description: 'Milliseconds since `current_at`.' }),
    complete: Type.Boolean({
      description:
        'false: the release dropped events that it should have counted; it must be replayed.',
    }),
    rows_from: Type.Optional(
      Type.String({
        description:
          'In views with `retain`: rows with a time before this one, or none, are dropped. Who follows the view drops them too.',
      }),
    ),
    late_events: Type.Integer({ description: 'Events that came later than the lateness allows.' }),
  },
  { description: 'What these rows are, and how fresh.' },
)

export interface AnswerMeta {
  readonly headers: Readonly<Record<string, string>>
  /** JSON text of `AnswerMetaSchema`. */
  readonly json: string
}

interface SaidOfPosition {
  readonly headers: Readonly<Record<string, string>>
  /** JSON members that do not change while the position is the newest. */
  readonly members: string
}

const said = new WeakMap<DeclaredPosition, SaidOfPosition>()

/** Says of rows that were read after `declared` which release, position and freshness they have. */
export function answerMeta(
  control: ControlState,
  view: LoadedView,
  declared: DeclaredPosition,
): AnswerMeta {
  let ofPosition = said.get(declared)
  if (ofPosition === undefined) {
    ofPosition = sayOfPosition(view, declared)
    said.set(declared, ofPosition)
  }
  const freshness = String(Math.max(0, Date.now() - declared.record.current_at))
  const complete = control.isComplete(view.application, view.release)
  const headers: Record<string, string> = {
    ...ofPosition.headers,
    'kappa-freshness-ms': freshness,
  }
  if (!complete) headers['kappa-complete'] = 'false'
  const json = `{${ofPosition.members},"freshness_ms":${freshness},"complete":${complete}}`
  return { headers, json }
}

function sayOfPosition(view: LoadedView, declared: DeclaredPosition): SaidOfPosition {
  const { record, token } = declared
  const asOf = record.as_of === null ? null : new Date(record.as_of).toISOString()
  const headers = { 'kappa-release': String(view.release), 'kappa-position': token }
  const json = JSON.stringify({
    application: view.application,
    view: view.name,
    release: view.release,
    position: token,
    as_of: asOf,
    current_at: new Date(record.current_at).toISOString(),
    rows_from: view.rowsFrom(declared),
    late_events: record.late_events,
  })
  return {
    headers: asOf === null ? headers : { ...headers, 'kappa-as-of': asOf },
    members: json.slice(1, -1),
  }
}
