import type { ApplicationDefinition, ViewDefinition } from './definition.ts'
import type { StreamSource } from './stream-plan.ts'
import type { ViewColumn } from './view-plan.ts'

/**
 * Names of what one installation keeps in Kafka. Its namespace is their prefix, so that several
 * installations can share a Kafka.
 */
export class TopicNames {
  /** Compacted, one partition: releases and which of them is live. */
  readonly releases: string
  /** Compacted, one partition: how far the views of releases are. */
  readonly positions: string
  readonly #namespace: string

  constructor(namespace: string) {
    this.#namespace = namespace
    this.releases = `${namespace}.releases`
    this.positions = `${namespace}.positions`
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

export const releaseStates = ['requested', 'starting', 'live', 'failed'] as const
export type ReleaseState = (typeof releaseStates)[number]

/** A view as a release runs it: what the user wrote and what Spark made of it. */
export interface ReleaseView extends ViewDefinition {
  readonly columns: readonly ViewColumn[]
  /** Update where Spark allows it; append where the query's kind demands it. */
  readonly outputMode: 'update' | 'append'
  readonly changelog: { readonly topic: string; readonly partitions: number }
}

/** Complete, so that a release can be restarted whatever the folder holds by then. */
export interface ReleaseDefinition extends Omit<ApplicationDefinition, 'views'> {
  readonly views: Readonly<Record<string, ReleaseView>>
  /** By stream: what is read and how it is decoded. */
  readonly sources: Readonly<Record<string, StreamSource>>
  /** By dataset: where its pinned copy lies. */
  readonly pinned: Readonly<Record<string, PinnedDataset>>
}

export interface PinnedDataset {
  /** `s3a://…` location of the copy that this release reads. */
  readonly location: string
  readonly sha256: string
}

export interface ReleaseRecord {
  readonly application: string
  readonly release: number
  readonly state: ReleaseState
  readonly definition: ReleaseDefinition
  readonly epoch: number
  /** Why it failed, in words. */
  readonly cause?: string
  /** Epoch milliseconds. */
  readonly updated_at: number
}

/** What readers get. */
export interface LivePointer {
  readonly application: string
  readonly release: number
  readonly epoch: number
}

/** Offsets as decimal text, by partition. */
export type OffsetsByPartition = Readonly<Record<string, string>>

/**
 * Once the changelog is applied up to `changelog`, the rows hold every counted event of the
 * log up to `sources`.
 */
export interface PositionRecord {
  readonly application: string
  readonly release: number
  readonly view: string
  /** Number of the last committed micro-batch; -1 before the first. */
  readonly batch: number
  readonly epoch: number
  /** Next offset to be read, by topic and partition. */
  readonly sources: Readonly<Record<string, OffsetsByPartition>>
  /** End offsets of the changelog after that batch was committed. */
  readonly changelog: OffsetsByPartition
  /** Accept time (epoch ms) of the newest event covered. */
  readonly as_of: number | null
  /** Epoch ms: every event that was in the log by then is covered. */
  readonly current_at: number
  /** false when a row was dropped or an event was missed: the rows may lack it. */
  readonly complete: boolean
  readonly late_events: number
  readonly undecodable_events: number
  /** false when a batch was finished while nobody counted: the two counts are then at least. */
  readonly counts_exact: boolean
  /** Epoch ms up to which Spark has closed windows. */
  readonly watermark?: number
}
