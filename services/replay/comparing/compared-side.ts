import type { OffsetsByPartition } from '@kappa/applications/offsets'
import type { ReleaseView } from '@kappa/applications/records'

/** One release's rows of a view: what its changelog holds up to an end. */
export interface ComparedSide {
  readonly view: Pick<ReleaseView, 'sql' | 'key' | 'time' | 'columns' | 'outputMode' | 'changelog'>
  /** The changelog is folded exactly up to there; a partition that is not named is empty. */
  readonly changelogEnds: OffsetsByPartition
  /** Epoch ms up to which Spark has closed windows; left out where nobody knows. */
  readonly watermarkMs?: number
}

export interface ComparedSides {
  readonly old: ComparedSide
  readonly new: ComparedSide
}
