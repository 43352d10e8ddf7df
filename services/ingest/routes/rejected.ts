import type { Http } from '@kappa/service/http'
import type { RejectedEvents } from '../rejected/rejected-events.ts'
import { dismissManyRejectedRoute } from './dismiss-many-rejected.ts'
import { dismissRejectedRoute } from './dismiss-rejected.ts'
import { listRejectedRoute } from './list-rejected.ts'
import { readRejectedRoute } from './read-rejected.ts'
import { resubmitManyRejectedRoute } from './resubmit-many-rejected.ts'
import { resubmitRejectedRoute } from './resubmit-rejected.ts'

/**
 * Everything under `/v1/rejected`.
 * @param clientHeader header by which a proxy in front names the client
 */
export function rejectedRoutes(
  http: Http,
  rejected: RejectedEvents,
  clientHeader: string | undefined,
): void {
  listRejectedRoute(http, rejected)
  readRejectedRoute(http, rejected)
  resubmitRejectedRoute(http, rejected, clientHeader)
  resubmitManyRejectedRoute(http, rejected, clientHeader)
  dismissRejectedRoute(http, rejected, clientHeader)
  dismissManyRejectedRoute(http, rejected, clientHeader)
}
