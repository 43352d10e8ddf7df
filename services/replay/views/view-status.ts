import { positionRecord } from '@kappa/applications/records'
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
  lag_events: Type.Integer({ description: 'Events of the log that the view does not cover yet.' }),
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

export type ViewStatus = Static<typeof viewStatus>
