import type { OffsetsByTopic } from './comparison.ts'
import type { ReleaseState } from './replay-status.ts'

export interface ReleaseView {
  readonly view: string
  readonly state: 'starting' | 'running' | 'restarting' | 'stopped'
  readonly output_mode: 'update' | 'append'
  /** How far its rows are complete; more than this is told. */
  readonly position: { readonly batch: number; readonly sources: OffsetsByTopic }
  /** Events of the log that it does not cover yet; null while its release has no cluster. */
  readonly lag_events: number | null
  /** Duration of the last micro-batch. */
  readonly batch_ms: number | null
  readonly state_rows: number | null
  /** Above 0 the view is incomplete. */
  readonly rows_dropped_by_watermark: number
  readonly failures_in_a_row: number
  readonly last_error: string | null
}

/** A release as `GET /v1/releases/{application}/{release}` tells it. */
export interface ReleaseStatus {
  readonly application: string
  readonly release: number
  readonly state: ReleaseState
  /** Why it failed. */
  readonly cause: string | null
  /** It was asked to become live, and may still. */
  readonly switching: boolean
  /** Why a switch to it did not come about. */
  readonly note: string | null
  /** Whether readers get its rows; undefined from a service that does not say. */
  readonly live?: boolean
  /** ISO 8601. */
  readonly created_at?: string | null
  /** When it came into its state, ISO 8601. */
  readonly updated_at?: string | null
  /** Until when it is kept for a rollback, ISO 8601. */
  readonly keep_until?: string | null
  /** The folder says something else than this release runs. */
  readonly folder_differs: boolean
  readonly cluster: {
    readonly address: string
    readonly starts: number
    /** What keeps it from working as it should, now or a moment ago. */
    readonly problems: readonly string[]
  } | null
  readonly views: readonly ReleaseView[]
}

export interface ApplicationStatus {
  readonly application: string
  readonly description: string
  /** What is wrong with its files. */
  readonly problems: readonly string[]
  /** Live first, then the newest first. */
  readonly releases: readonly ReleaseStatus[]
}

/** Something that a release left behind: a topic, a checkpoint, rows. */
export interface Orphan {
  readonly kind: string
  readonly name: string
  readonly application: string
  readonly release: number
}
