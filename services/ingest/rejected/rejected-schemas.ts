import { type Static, Type } from 'typebox'
import { errorBody } from '../publishing/publish-schemas.ts'
import { jsonPatch } from './json-patch.ts'
import { filterFields } from './rejected-filter.ts'
import { type RejectionEntry, rejectionStates, stateOf } from './rejection-entry.ts'
import { shownPayload } from './shown-payload.ts'

/** Bodies that say how to fix events; the events themselves are bounded as records are. */
export const fixBodyBytesMax = 2 * 1_048_576

export const rejectionParams = Type.Object({
  id: Type.String({ maxLength: 100, description: 'As in the result of the rejected event.' }),
})

export const rejectionState = Type.Enum([...rejectionStates], {
  description:
    'open: to be fixed and resubmitted, or dismissed. resubmitting: begun, and not known to be in the log; resubmit it again to be sure. resubmitted: in the log. dismissed: nothing will be done.',
})

const epochMs = (description: string) =>
  Type.Integer({ description: `Epoch milliseconds: ${description}` })
const nullable = <Schema extends ReturnType<typeof Type.Integer>>(schema: Schema) =>
  Type.Union([schema, Type.Null()])

const entryFields = {
  id: Type.String(),
  topic: Type.String(),
  version: nullable(Type.Integer({ description: 'Of the contract that it was checked by.' })),
  received_at: epochMs('when it was received.'),
  client: Type.String({ description: 'Who sent it.' }),
  import_disorder_ms: nullable(
    Type.Integer({
      description: 'Declared disorder of the import that it was part of; null: live.',
    }),
  ),
  state: rejectionState,
  payload_bytes: Type.Integer({ description: 'As received.' }),
  truncated: Type.Boolean({
    description: 'Its payload is not kept as a whole: to resubmit it, give the payload.',
  }),
}

const problem = {
  code: Type.String({ description: 'Stable; decide by it.' }),
  message: Type.String({ description: 'What was wrong, expected and got.' }),
  path: Type.String({ description: 'Where in the event.' }),
}

export const listedRejection = Type.Object(
  { ...entryFields, error: Type.Object({ code: problem.code }) },
  { title: 'ListedRejection' },
)

export const publishedEvent = Type.Object(
  {
    topic: Type.String(),
    version: Type.Integer(),
    id: Type.String({ description: "The event's id." }),
    partition: Type.Integer(),
    offset: Type.String({ description: 'A 64-bit integer as text.' }),
  },
  { title: 'ResubmittedEvent' },
)

const change = Type.Object({
  at: epochMs('when it happened.'),
  state: rejectionState,
  client: Type.String({ description: 'Who asked for it.' }),
  error: Type.Optional(Type.Object(problem, { description: 'Why it was not accepted then.' })),
  event: Type.Optional(publishedEvent),
})

export const shownRejection = Type.Object(
  {
    ...entryFields,
    error: Type.Object(problem),
    payload: shownPayload,
    history: Type.Array(change, { description: 'What happened since, the newest 32 changes.' }),
  },
  { title: 'Rejection' },
)

const version = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 999_999,
    description: 'Of the contract; left out: the newest one that every live release can decode.',
  }),
)
const cursor = Type.Optional(
  Type.String({ maxLength: 2_000, description: 'Of the answer before, to go on after it.' }),
)
const filter = Type.Object(filterFields, {
  additionalProperties: false,
  description: 'Which rejections; `{}` means all that are open.',
})

export const fixBody = Type.Union(
  [
    Type.Object(
      {
        patch: Type.Optional(jsonPatch),
        payload: Type.Optional(Type.Unknown({ description: 'The event in its place.' })),
        version,
      },
      { additionalProperties: false, title: 'Fix' },
    ),
    Type.Null(),
  ],
  { description: 'How to fix the event; nothing: send it again as it was received.' },
)

export const fixManyBody = Type.Object(
  { filter, patch: Type.Optional(jsonPatch), version, cursor },
  { additionalProperties: false, title: 'FixMany' },
)

export const dismissManyBody = Type.Object(
  { filter, cursor },
  { additionalProperties: false, title: 'DismissMany' },
)

export const nextCursor = Type.Union([Type.String(), Type.Null()], {
  description: 'Give it to go on; null: this was the end.',
})
export const remaining = Type.Integer({
  description: 'Open rejections that match and that no call up to this one came to.',
})

/** An error after which the request is to be sent again. */
export const retryable = (description: string, advice: string) => ({
  description: `${description} ${advice} after \`Retry-After\` seconds.`,
  headers: { 'Retry-After': Type.Integer({ description: 'Seconds.' }) },
  content: { 'application/json': { schema: errorBody('Ask again.') } },
})

export type ListedRejection = Static<typeof listedRejection>

export function listEntry(entry: RejectionEntry): ListedRejection {
  return {
    id: entry.id,
    topic: entry.topic,
    version: entry.version,
    error: { code: entry.code },
    received_at: entry.receivedAtMs,
    client: entry.client,
    import_disorder_ms: entry.importDisorderMs,
    state: stateOf(entry),
    payload_bytes: entry.payloadBytes,
    truncated: entry.truncated,
  }
}
