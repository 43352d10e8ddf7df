import { type Static, Type } from 'typebox'

/** One JSON value a line. */
export const linesType = 'application/x-ndjson'

export const topicParams = Type.Object({
  topic: Type.String({ description: 'Name of a topic that has a contract.', maxLength: 249 }),
})

export const publishQuery = Type.Object(
  {
    mode: Type.Optional(
      Type.Union([Type.Literal('live'), Type.Literal('import')], {
        default: 'live',
        description:
          'live: events that happen now. import: history, on time by declaration, accepted until the first live event of the topic.',
      }),
    ),
    disorder: Type.Optional(
      Type.String({
        maxLength: 40,
        description:
          'Only with mode=import: how much older than the highest event time before it an event may be, for example `1 hour`. Default `0 seconds`; the contract has the bound.',
      }),
    ),
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 999_999,
        description:
          'Version of the contract that the events are of; also as a parameter of the content type. Default: the newest one that every live release can decode.',
      }),
    ),
    rejected: Type.Optional(
      Type.Union([Type.Literal('keep'), Type.Literal('discard')], {
        default: 'keep',
        description:
          'keep: rejected events can be found, fixed and sent again (`/v1/rejected`). discard: they are in this answer only.',
      }),
    ),
  },
  { additionalProperties: false },
)

const problem = {
  code: Type.String({ description: 'Stable; decide by it.', examples: ['out_of_range'] }),
  message: Type.String({ description: 'What was wrong, expected and got.' }),
  path: Type.String({ description: 'Where in the event.', examples: ['$.delay_minutes'] }),
}

export const acceptedEvent = Type.Object(
  {
    status: Type.Literal('accepted'),
    id: Type.String({ description: "The event's id: yours, or the one that was made." }),
    partition: Type.Integer({ minimum: 0 }),
    offset: Type.String({ pattern: '^\\d+$', description: 'A 64-bit integer as text.' }),
  },
  { title: 'Accepted', description: 'In the log, acknowledged by all in-sync replicas.' },
)

export const rejectedEvent = Type.Object(
  {
    status: Type.Literal('rejected'),
    error: Type.Object({
      ...problem,
      others: Type.Optional(
        Type.Array(Type.Object(problem), { description: 'What else is wrong in the event.' }),
      ),
    }),
    rejection: Type.Optional(
      Type.String({ description: 'Where it is kept: `/v1/rejected/{rejection}`.' }),
    ),
  },
  { title: 'Rejected', description: 'Not written: its content is wrong.' },
)

export type RejectedEvent = Static<typeof rejectedEvent>
export type EventResult = Static<typeof acceptedEvent> | RejectedEvent

export const position = Type.Union([Type.String(), Type.Null()], {
  description: 'Opaque: where the log stands after these events. null when none was accepted.',
})

const outcome = {
  topic: Type.String(),
  accepted: Type.Integer({ minimum: 0 }),
  rejected: Type.Integer({ minimum: 0 }),
  position,
  results: Type.Array(Type.Union([acceptedEvent, rejectedEvent]), {
    description: 'One for each event, in the order of the events.',
  }),
}

const errorFields = Type.Object({
  code: Type.String({ description: 'Stable; decide by it.' }),
  message: Type.String({ description: 'What was wrong, where, and what to do.' }),
  details: Type.Optional(Type.Unknown()),
})

export const errorBody = (description: string) =>
  Type.Object({ error: errorFields }, { title: 'Error', description })

const retryable = (description: string) => ({
  description: `${description} Send the same events with the same ids again after \`Retry-After\` seconds.`,
  headers: { 'Retry-After': Type.Integer({ description: 'Seconds.' }) },
  content: { 'application/json': { schema: errorBody('Retry the request.') } },
})

export const publishResponses = {
  200: Type.Object(outcome, { title: 'Published', description: 'Every event is in the log.' }),
  207: Type.Object(outcome, {
    title: 'PartlyPublished',
    description: 'Some events are in the log; the rejected ones are not.',
  }),
  400: errorBody(
    '`malformed_json` (with line and column), `malformed_encoding`, `no_events`, or `bad_request`. Nothing was written.',
  ),
  404: errorBody('`unknown_topic` or `unknown_version`: no contract has it.'),
  408: errorBody('`request_timeout`: the body did not arrive in time. Nothing was written.'),
  409: errorBody(
    '`import_closed`: the topic has live events. `version_not_publishable`: a live release cannot decode the version.',
  ),
  413: errorBody(
    '`body_too_large`, `batch_too_large` or `event_too_large`; the bound is in the message. Nothing was written.',
  ),
  415: errorBody('`unsupported_media_type`.'),
  422: Type.Object(
    { error: errorFields, ...outcome },
    { title: 'AllRejected', description: '`all_events_rejected`: nothing was written.' },
  ),
  429: retryable('`too_many_requests`: a bound on what is in flight is hit, nothing was written.'),
  503: retryable(
    '`kafka_unavailable` or `stopping`: nothing was acknowledged. `outcome_unknown`: the events may be in the log.',
  ),
}

export const event = Type.Unsafe<unknown>({
  type: 'object',
  title: 'Event',
  description: "An object with the fields of the topic's contract.",
  additionalProperties: true,
})

const cloudEvent = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: Type.String({ minLength: 1 }),
    source: Type.String({ minLength: 1, description: 'A URI reference.' }),
    type: Type.String({ minLength: 1 }),
    data: event,
  },
  { title: 'CloudEvent', description: 'Its other attributes are kept as headers of the record.' },
)

/** For the document only: bodies are checked by the topic's contract. */
export const publishBody = {
  content: {
    'application/json': {
      schema: Type.Union([event, Type.Array(event, { minItems: 1 })], {
        description: 'One event or an array of events.',
      }),
    },
    'application/x-ndjson': {
      schema: Type.String({ description: 'One event a line, UTF-8. Blank lines are skipped.' }),
    },
    'application/cloudevents+json': { schema: cloudEvent },
    'application/cloudevents-batch+json': { schema: Type.Array(cloudEvent, { minItems: 1 }) },
  },
}
