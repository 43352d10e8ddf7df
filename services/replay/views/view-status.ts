import { type PositionRecord, positionRecord, type ReleaseView } from '@kappa/applications/records'
import { type Static, type TSchema, Type } from 'typebox'

const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

export const viewStatus = Type.Object({
  view: Type.String(),
  state: Type.Enum(['starting', 'running', 'restarting', 'stopped']),
  mode: orNull(
    Type.Enum(['continuous', 'catch-up']),
    'catch-up: it reads what has piled up, in bounded micro-batches.',
  ),
  output_mode: Type.Union([Type.Literal('update'), Type.Literal('append')]),
  position: positionRecord,
  lag_events: orNull(
    Type.Integer(),
    'Events of the log that the view does not cover yet; null while nobody looks.',
  ),
  batch_ms: orNull(Type.Number(), 'Duration of the last micro-batch.'),
  batch_parts_ms: orNull(
    Type.Record(Type.String(), Type.Number()),
    "Where the last micro-batch's time went, in Spark's words.",
  ),
  state_rows: orNull(Type.Integer(), 'Rows that Spark holds as state.'),
  rows_dropped_by_watermark: Type.Integer({ description: 'Above 0 the view is incomplete.' }),
  failures_in_a_row: Type.Integer(),
  last_error: orNull(Type.String(), 'Why its query failed last.'),
})

/** Of a view whose release has no cluster now: how far it has come. */
export function stoppedView({ outputMode }: ReleaseView, position: PositionRecord): ViewStatus {
  const { undecodable_newest: newest, ...rest } = position
  return {
    view: position.view,
    state: 'stopped',
    mode: null,
    output_mode: outputMode,
    position: newest ? { ...rest, undecodable_newest: [...newest] } : rest,
    lag_events: null,
    batch_ms: null,
    batch_parts_ms: null,
    state_rows: null,
    rows_dropped_by_watermark: 0,
    failures_in_a_row: 0,
    last_error: null,
  }
}

export type ViewStatus = Static<typeof viewStatus>
