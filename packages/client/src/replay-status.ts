import type { Comparison, ExpectedDifferences, OffsetsByTopic } from './comparison.ts'

export type ReleaseState =
  | 'requested'
  | 'checked'
  | 'starting'
  | 'catching_up'
  | 'paused'
  | 'comparing'
  | 'ready'
  | 'live'
  | 'standby'
  | 'retained'
  | 'retired'
  | 'cancelled'
  | 'failed'

export type PromotionPolicy = 'if-equal' | 'manual' | 'always'

/** `earliest`, an event time (ISO 8601 with a zone), or next offsets by topic and partition. */
export type ReplayFrom =
  | 'earliest'
  | { readonly timestamp: string }
  | { readonly offsets: OffsetsByTopic }

/** What a replay is asked for. Durations are text: `1 hour`, `7 days`. */
export interface ReplayRequest {
  readonly application: string
  /** Default `earliest`. */
  readonly from?: ReplayFrom
  /** With a timestamp: rows of windows that ended before it are taken over from the live release. */
  readonly carry?: boolean
  /** Go on although retention has deleted a part of the log. */
  readonly accept_partial?: boolean
  /** Default `manual`. */
  readonly promote?: PromotionPolicy
  readonly expected?: ExpectedDifferences
  readonly unsettled_rows_max?: number
  readonly events_per_second_max?: number
  /** Added to what is found of how far partitions are apart in event time. */
  readonly watermark_slack?: string
  /** Size of its cluster while it catches up; left out, that of the application. */
  readonly spark?: {
    readonly cores?: number
    readonly memory?: string
    readonly executors?: number
  }
  /** How long the release that it replaces stays warm. */
  readonly keep_warm_for?: string
  /** How long that one is kept after it was stopped. */
  readonly retain_for?: string
}

/** What a comparison need not explain. */
export type ComparisonRequest = Pick<ReplayRequest, 'expected' | 'unsettled_rows_max'>

/** What a replay would read and cost, found before anything starts. */
export interface ReplayPlan {
  readonly starts: OffsetsByTopic
  readonly ends: OffsetsByTopic
  readonly topics: readonly {
    readonly topic: string
    readonly streams: readonly string[]
    readonly events: number
    /** Deleted by retention. */
    readonly missing_events: number
    readonly slack_ms: number
  }[]
  readonly events: number
  /** As the last replay of the application measured it. */
  readonly events_per_second: number | null
  readonly estimated_seconds: number | null
  /** Of the live release; null: not known. */
  readonly state_rows: number | null
  /** Where its queries keep state. */
  readonly state_store: 'rocksdb' | 'memory'
  readonly clusters_running: number
  readonly clusters_max: number
  /** By view whose rows of earlier windows are taken over from the live release. */
  readonly carry?: Readonly<
    Record<
      string,
      {
        readonly window_ms: number
        readonly time_column: string
        /** Rows whose time column (epoch ms) is at most this are taken over. */
        readonly last_carried_ms: number
      }
    >
  >
  /** Epoch milliseconds. */
  readonly planned_at: number
}

export interface ReplayProgress {
  readonly percent: number
  readonly events_read: number
  readonly events_total: number
  readonly events_per_second: number | null
  readonly eta_seconds: number | null
  readonly lag_events: number
  readonly batches: number
  readonly state_rows: number
  readonly state_bytes: number
  /** Above 0 it cannot be promoted. */
  readonly rows_dropped_by_watermark: number
  readonly partitions: readonly {
    readonly topic: string
    readonly partition: number
    readonly next_offset: string
    readonly end_offset: string
    readonly lag_events: number
  }[]
}

/** A replay as `GET /v1/replays/{id}` tells it. */
export interface ReplayStatus {
  /** `<application>-<release>`. */
  readonly id: string
  readonly application: string
  readonly release: number
  /** The release that was live when it was asked for. */
  readonly replaces: number | null
  readonly state: ReleaseState
  /** Why it failed. */
  readonly cause: string | null
  /** What it waits for, or why it was not promoted. */
  readonly note: string | null
  /** ISO 8601. */
  readonly requested_at: string
  /** When it came into its state, ISO 8601. */
  readonly updated_at: string
  readonly request: {
    readonly from: ReplayFrom
    readonly carry: boolean
    readonly accept_partial: boolean
    readonly promote: PromotionPolicy
    readonly expected: ExpectedDifferences
    readonly unsettled_rows_max: number
    readonly events_per_second_max: number | null
    readonly keep_warm_for: string
    readonly retain_for: string
  }
  readonly plan: ReplayPlan | null
  /** While it has a cluster. */
  readonly progress: ReplayProgress | null
  readonly comparison: Comparison | null
}

/** What a replay would do. */
export interface ReplayDryRun {
  readonly application: string
  readonly release: number
  readonly replaces: number | null
  readonly plan: ReplayPlan
  /** Why it would be refused; empty when it would start. */
  readonly problems: readonly { readonly code: string; readonly message: string }[]
}

/** What a promotion or rollback did, or (dry run) would do. */
export interface SwitchOutcome {
  readonly application: string
  readonly from: number | null
  readonly to: number
  /** false: asked for and going on, not allowed, or a dry run. */
  readonly done: boolean
  readonly allowed: boolean
  /** Why it is not allowed, or what it waits for. */
  readonly reason: string | null
  /** How long rows stood still for readers. */
  readonly frozen_ms: number | null
}
