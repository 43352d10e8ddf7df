import { Type } from 'typebox'
import {
  acceptedEvent,
  errorBody,
  event,
  position,
  publishQuery,
  publishResponses,
  rejectedEvent,
} from './publish-schemas.ts'

export const manyQuery = Type.Object(
  { rejected: publishQuery.properties.rejected },
  { additionalProperties: false },
)

const item = Type.Object(
  {
    topic: Type.String({ description: 'Name of a topic that has a contract.' }),
    event,
    version: Type.Optional(
      Type.Integer({ minimum: 1, description: "Version of the topic's contract." }),
    ),
  },
  { title: 'AddressedEvent', additionalProperties: false },
)

/** For the document only. */
export const manyBody = {
  content: {
    'application/json': { schema: Type.Union([item, Type.Array(item, { minItems: 1 })]) },
    'application/x-ndjson': { schema: Type.String({ description: 'One such object a line.' }) },
  },
}

const failedEvent = Type.Object(
  {
    status: Type.Literal('failed'),
    error: Type.Object({ code: Type.String(), message: Type.String() }),
  },
  { title: 'Failed', description: 'Not known to be in the log: send it again with the same id.' },
)

const ofTopic = Type.Object({ topic: Type.String() })

const outcome = {
  accepted: Type.Integer({ minimum: 0 }),
  rejected: Type.Integer({ minimum: 0 }),
  failed: Type.Integer({ minimum: 0 }),
  position,
  results: Type.Array(
    Type.Intersect([ofTopic, Type.Union([acceptedEvent, rejectedEvent, failedEvent])]),
    { description: 'One for each event, in the order of the events.' },
  ),
}

export const manyResponses = {
  200: Type.Object(outcome, {
    title: 'PublishedMany',
    description: 'Every event is in the log.',
  }),
  207: Type.Object(outcome, {
    title: 'PartlyPublishedMany',
    description: 'Some events are not in the log.',
  }),
  400: publishResponses[400],
  408: publishResponses[408],
  413: errorBody('`body_too_large` or `batch_too_large`; the bound is in the message.'),
  415: publishResponses[415],
  422: Type.Object(outcome, {
    title: 'AllRejectedMany',
    description: 'Every event is rejected, nothing was written.',
  }),
  429: publishResponses[429],
  503: publishResponses[503],
}
