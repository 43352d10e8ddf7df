import { type Static, Type } from 'typebox'
import { applicationDefinition, viewDefinition } from './definition.ts'
import { name, offsetsByPartition, offsetsByTopic } from './offsets.ts'
import type { ReadonlyDeep } from './readonly-deep.ts'
import { replayRecord } from './replay-record.ts'
import { streamSource } from './stream-plan.ts'
import { viewColumn } from './view-plan.ts'

/**
 * Names of what one installation keeps in Kafka. Its namespace is their prefix, so that several
 * installations can share a Kafka.
 */
export class TopicNames {
  /** Compacted, one partition: releases and which of them is live. */
  readonly releases: string
  /** Compacted, one partition: how far the views of releases are. */
  readonly positions: string
  /** Events that ingest did not accept because of their content, and what became of them. */
  readonly rejected: string
  readonly #namespace: string

  constructor(namespace: string) {
    this.#namespace = namespace
    this.releases = `${namespace}.releases`
    this.positions = `${namespace}.positions`
    this.rejected = `${namespace}.rejected`
  }

  /** Consumer group in which the instances of results share the changelogs of a release. */
  resultsGroup(application: string, release: number): string {
    return `${this.#namespace}.results.${application}.${release}`
  }

  /** Compacted, partitions of its own: the rows of one view of one release. */
  changelog(application: string, release: number, view: string): string {
    return `${this.#namespace}.changelog.${application}.${release}.${view}`
  }
}

export function releaseKey(application: string, release: number): string {
  return `${application}/${release}`
}

export function livePointerKey(application: string): string {
  return `${application}/live`
}

export function positionKey(application: string, release: number, view: string): string {
  return `${application}/${release}/${view}`
}

const releaseNumber = Type.Integer({ minimum: 1 })
const epoch = Type.Integer({ minimum: 0 })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const epochMs = (description: string) => Type.Integer({ description })

export const releaseStates = [
  'requested',
  'checked',
  'starting',
  'catching_up',
  'paused',
  'comparing',
  'ready',
  'live',
  'standby',
  'retained',
  'retired',
  'cancelled',
  'failed',
] as const

/** A view as a release runs it: what the user wrote and what Spark made of it. */
const releaseView = Type.Object({
  ...viewDefinition.properties,
  columns: Type.Array(viewColumn, {
    description: 'Empty until Spark has analysed the view, which is before the release is live.',
  }),
  outputMode: Type.Union([Type.Literal('update'), Type.Literal('append')], {
    description: "Update where Spark allows it; append where the query's kind demands it.",
  }),
  changelog: Type.Object({ topic: name, partitions: Type.Integer({ minimum: 1 }) }),
  writeAfter: Type.Optional(
    Type.String({
      description: 'SQL condition: only rows for which it holds are computed, the others carried.',
    }),
  ),
})

const pinnedDataset = Type.Object({
  location: Type.String({ description: '`s3a://…` location of the copy that this release reads.' }),
  sha256: Type.String(),
})

/** Complete, so that a release can be restarted whatever the folder holds by then. */
const releaseDefinition = Type.Object({
  ...applicationDefinition.properties,
  views: Type.Record(name, releaseView),
  sources: Type.Record(name, streamSource, {
    description: 'By stream: what is read and how it is decoded.',
  }),
  pinned: Type.Record(name, pinnedDataset, {
    description: 'By dataset: where its pinned copy lies.',
  }),
  starts: Type.Optional(offsetsByTopic),
})

/** A switch that has been asked for and may have begun: whoever takes over ends it, one way or the other. */
const pendingSwitch = Type.Object({
  kind: Type.Union([Type.Literal('promote'), Type.Literal('rollback')]),
  from: Type.Union([releaseNumber, Type.Null()], { description: 'The release that was live.' }),
  requested_at: epochMs('Epoch milliseconds.'),
})

export const releaseRecord = Type.Object({
  application: name,
  release: releaseNumber,
  state: Type.Enum([...releaseStates]),
  definition: releaseDefinition,
  epoch,
  cause: Type.Optional(Type.String({ description: 'Why it failed, in words.' })),
  created_at: Type.Optional(epochMs('Epoch milliseconds.')),
  updated_at: epochMs('Epoch milliseconds at which it came into its state.'),
  replay: Type.Optional(replayRecord),
  note: Type.Optional(
    Type.Object({
      text: Type.String({ description: 'Why a switch to it did not come about.' }),
      at: epochMs('Epoch milliseconds.'),
    }),
  ),
  switching: Type.Optional(pendingSwitch),
  switched: Type.Optional(
    Type.Object({
      from: Type.Union([releaseNumber, Type.Null()]),
      at: epochMs('Epoch milliseconds.'),
      frozen_ms: Type.Optional(count('How long rows stood still for readers.')),
    }),
  ),
  keep_until: Type.Optional(
    epochMs(
      'Epoch ms: a standby is stopped then, a retained, failed or cancelled release is deleted.',
    ),
  ),
  removed: Type.Optional(
    Type.Boolean({
      description: 'Of a retired or cancelled release: whether all that it had is deleted.',
    }),
  ),
})

/** What readers get. */
export const livePointer = Type.Object({ application: name, release: releaseNumber, epoch })

/** A record that a release cannot decode. */
const undecodableRecord = Type.Object({
  topic: name,
  partition: Type.Integer({ minimum: 0 }),
  offset: Type.String({ pattern: '^\\d+$' }),
  reason: Type.String(),
})

/**
 * Once the changelog is applied up to `changelog`, the rows hold every counted event of the
 * log up to `sources`.
 */
export const positionRecord = Type.Object({
  application: name,
  release: releaseNumber,
  view: name,
  batch: Type.Integer({
    minimum: -1,
    description: 'Last committed micro-batch; -1 before the first.',
  }),
  epoch,
  sources: offsetsByTopic,
  /** End offsets after that batch was committed. */
  changelog: offsetsByPartition,
  as_of: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Accept time (epoch ms) of the newest event covered.',
  }),
  current_at: epochMs('Epoch ms: every event that was in the log by then is covered.'),
  complete: Type.Boolean({
    description: 'false when a row was dropped or an event was missed: the rows may lack it.',
  }),
  late_events: count('Events refused as late or early.'),
  undecodable_events: count('Records that could not be decoded: nothing of them is in the rows.'),
  undecodable_by_stream: Type.Optional(
    Type.Record(name, Type.Integer({ minimum: 0 }), { description: 'The same, by stream.' }),
  ),
  undecodable_newest: Type.Optional(
    Type.Array(undecodableRecord, {
      description: 'Where the newest of them lie, newest last: a bounded list.',
    }),
  ),
  counts_exact: Type.Boolean({
    description:
      'false when a batch was finished while nobody counted: the two counts are then at least.',
  }),
  watermark: Type.Optional(epochMs('Epoch ms up to which Spark has closed windows.')),
  state_rows: Type.Optional(count('Rows of state that Spark held after that batch.')),
})

export type ReleaseState = (typeof releaseStates)[number]
export type ReleaseView = ReadonlyDeep<Static<typeof releaseView>>
export type ReleaseDefinition = ReadonlyDeep<Static<typeof releaseDefinition>>
export type PinnedDataset = ReadonlyDeep<Static<typeof pinnedDataset>>
export type ReleaseRecord = ReadonlyDeep<Static<typeof releaseRecord>>
export type LivePointer = ReadonlyDeep<Static<typeof livePointer>>
export type UndecodableRecord = ReadonlyDeep<Static<typeof undecodableRecord>>
export type PositionRecord = ReadonlyDeep<Static<typeof positionRecord>>
