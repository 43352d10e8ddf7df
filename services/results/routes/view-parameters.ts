import { Type } from 'typebox'
import { awaitTimeoutMsByDefault } from '../reading/awaited.ts'

export const ViewParameters = Type.Object({ application: Type.String(), view: Type.String() })

/** Of every route that reads rows: what it waits for. */
export const awaitParameters = {
  await: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 65_536,
      description:
        'A `position` that ingest or results has answered: the rows that are answered hold every event before it. 504 `await_timeout` when they do not in time, 409 `not_counted` when the event was too late to count.',
    }),
  ),
  await_for: Type.Optional(
    Type.Union([Type.Literal('rows'), Type.Literal('read')], {
      description:
        'In views whose rows come only when the watermark has passed their events, waiting for the rows is refused (409 `not_awaitable`); `read` waits until the events are read.',
    }),
  ),
  timeout_ms: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: awaitTimeoutMsByDefault,
      description: 'Longest wait for `await`, in milliseconds.',
    }),
  ),
}

/** Of every route that answers rows: how they are written. */
export const shapeParameters = {
  columns: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 8_192,
      description: 'Only these columns, in this order: names separated by commas.',
    }),
  ),
  numbers: Type.Optional(
    Type.Union([Type.Literal('number'), Type.Literal('string')], {
      description:
        '`string`: columns of type bigint and decimal as texts, for clients whose numbers are doubles. They never lose a digit on the way.',
    }),
  ),
}

export const filterParameters = Type.Unknown({
  description:
    'Any column of the key, the time column and ranked ones: `carrier=UA` for equal values (given several times: any of them), `carrier.prefix=U`, `hour.gte=2013-01-01`, and `.gt`, `.lt`, `.lte`. `from` and `to` bound the time: at or after, and before. Rows with null are found by none of these.',
})
