import type { Http } from '@kappa/service/http'
import { changeReplayRoutes } from './change-replay.ts'
import { compareReplayRoute } from './compare-replay.ts'
import { createReplayRoute } from './create-replay.ts'
import { followReplayRoute } from './follow-replay.ts'
import { listApplicationsRoute } from './list-applications.ts'
import { listOrphansRoute } from './list-orphans.ts'
import { listReleasesRoute } from './list-releases.ts'
import { listReplaysRoute } from './list-replays.ts'
import { promoteReplayRoute } from './promote-replay.ts'
import { readApplicationRoute } from './read-application.ts'
import { readDiffRoute } from './read-diff.ts'
import { readReleaseRoute } from './read-release.ts'
import { readReplayRoute } from './read-replay.ts'
import { removeOrphansRoute } from './remove-orphans.ts'
import type { ReplayContext } from './replay-context.ts'
import { retireReleaseRoute } from './retire-release.ts'
import { rollBackApplicationRoute } from './roll-back-application.ts'

const routes = [
  listApplicationsRoute,
  readApplicationRoute,
  readDiffRoute,
  rollBackApplicationRoute,
  listReleasesRoute,
  readReleaseRoute,
  retireReleaseRoute,
  createReplayRoute,
  listReplaysRoute,
  readReplayRoute,
  followReplayRoute,
  changeReplayRoutes,
  compareReplayRoute,
  promoteReplayRoute,
  listOrphansRoute,
  removeOrphansRoute,
]

/** Everything that replay serves beside health and metrics. */
export function replayRoutes(http: Http, context: ReplayContext): void {
  for (const route of routes) route(http, context)
}
