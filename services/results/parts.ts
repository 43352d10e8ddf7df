import type { ViewStore } from '@kappa/view-store/view-store'
import type { QuerySettings } from './config.ts'
import type { ControlState } from './control/control-state.ts'
import type { Catalogue } from './reading/catalogue.ts'
import type { LiveReads } from './reading/live-reads.ts'

/** What the routes need. */
export interface RouteParts {
  readonly catalogue: Catalogue
  readonly control: ControlState
  readonly store: ViewStore
  readonly settings: QuerySettings
  readonly live: LiveReads
}
