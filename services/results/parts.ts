import type { Catalogue } from './reading/catalogue.ts'
import type { ReadingParts } from './reading/read-rows.ts'

/** What the routes need. */
export interface RouteParts extends ReadingParts {
  readonly catalogue: Catalogue
}
