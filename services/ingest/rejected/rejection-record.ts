import { createHash } from 'node:crypto'
import type { IncomingRecord, OutgoingRecord } from '@kappa/kafka/port'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'

/**
 * Records of the topic of rejected events. Every record of a rejection has its id as its key, so
 * that they stand in one partition in the order in which they happened, and the header
 * `kappa-rejection` with one of the JSON objects below. The value is the event's bytes as they were
 * received (`rejected`, up to a bound), the bytes that are being published (`resubmitting`; null
 * for those received), or null.
 *
 * The topic's clean-up policy is delete: a record about a rejection comes after it in its partition,
 * so Kafka never deletes a state before the payload that it is about, and never keeps a payload
 * longer than the topic's retention. Compaction would do neither.
 */
export const rejectionHeader = 'kappa-rejection'

const messageLengthMax = 2_000
const pathLengthMax = 500
const clientLengthMax = 256
/** Of Kafka. Longer ones are no topics, and are kept to be found. */
const topicLengthMax = 249

const format = { format: Type.Literal(1) }
const happened = {
  ...format,
  at: Type.Integer({ description: 'Epoch milliseconds.' }),
  client: Type.String({ description: 'Who asked for it.' }),
}
const attempt = { attempt: Type.String({ description: 'One call that resubmits.' }) }

const problem = Type.Object({ code: Type.String(), message: Type.String(), path: Type.String() })
const publishedEvent = Type.Object({
  topic: Type.String(),
  version: Type.Integer(),
  id: Type.String(),
  partition: Type.Integer(),
  offset: Type.String(),
})

const rejected = Type.Object({
  ...format,
  type: Type.Literal('rejected'),
  topic: Type.String(),
  version: Type.Union([Type.Integer(), Type.Null()]),
  error: problem,
  received_at: Type.Integer({ description: 'Epoch milliseconds.' }),
  client: Type.String(),
  import_disorder_ms: Type.Union([Type.Integer(), Type.Null()]),
  envelope: Type.Union([
    Type.Object({ id: Type.String(), headers: Type.Record(Type.String(), Type.String()) }),
    Type.Null(),
  ]),
  payload_bytes: Type.Integer({ description: 'As received, whether or not all are kept.' }),
  truncated: Type.Boolean(),
})

/** What is about to be published: written before it, so that nothing else is ever published. */
const resubmitting = Type.Object({
  ...happened,
  ...attempt,
  type: Type.Literal('resubmitting'),
  version: Type.Integer(),
  digest: Type.String({ description: '`fixDigest` of the bytes and the version.' }),
})

const resubmitted = Type.Object({
  ...happened,
  ...attempt,
  type: Type.Literal('resubmitted'),
  digest: Type.String(),
  event: publishedEvent,
})

const failed = Type.Object({
  ...happened,
  ...attempt,
  type: Type.Literal('failed'),
  error: problem,
  settles: Type.Union([Type.Literal('attempt'), Type.Literal('all')], {
    description:
      'attempt: this one is known not to be in the log. all: nor can any earlier one be, because what it published is refused whenever it is sent.',
  }),
})

const dismissed = Type.Object({ ...happened, type: Type.Literal('dismissed') })

const description = Type.Union([rejected, resubmitting, resubmitted, failed, dismissed])
const checkedDescription = Compile(description)

export type RejectedDescription = Static<typeof rejected>
export type StateDescription = Static<
  typeof resubmitting | typeof resubmitted | typeof failed | typeof dismissed
>
export type RejectionDescription = Static<typeof description>
export type Problem = Static<typeof problem>
export type PublishedEvent = Static<typeof publishedEvent>

/** @returns undefined for a record that is none of the above, or of a later format. */
export function describeRecord(record: IncomingRecord): RejectionDescription | undefined {
  const text = record.headers[rejectionHeader]?.toString('utf8')
  if (text === undefined || record.key === null) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // Not ours: whoever else writes to the topic must not stop the others from being read.
    return undefined
  }
  return checkedDescription.Check(parsed) ? parsed : undefined
}

/** @param partition of the rejection that a state is about; left out for a new rejection */
export function toRecord(
  id: string,
  about: RejectionDescription,
  value: Buffer | null,
  partition?: number,
): OutgoingRecord {
  const headers = { [rejectionHeader]: JSON.stringify(about) }
  const record = { key: Buffer.from(id), value, headers }
  return partition === undefined ? record : { ...record, partition }
}

/** The same for the same bytes published by the same version of the contract. */
export function fixDigest(bytes: Buffer, version: number): string {
  return createHash('sha256').update(`${version}\n`).update(bytes).digest('base64url').slice(0, 22)
}

export function boundedProblem({ code, message, path }: Problem): Problem {
  return {
    code,
    message: bounded(message, messageLengthMax),
    path: bounded(path, pathLengthMax),
  }
}

export function boundedTopic(topic: string): string {
  return bounded(topic, topicLengthMax)
}

export function boundedClient(client: string): string {
  return bounded(client, clientLengthMax)
}

function bounded(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`
}
