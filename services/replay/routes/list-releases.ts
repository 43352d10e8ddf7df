import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { releaseStatus } from '../overview/release-status.ts'
import { applicationQuery, type ReplayContext } from './replay-context.ts'

export function listReleasesRoute(http: Http, { overview }: ReplayContext): void {
  const schema = {
    summary: 'Releases, the live one of each application first, also those that are deleted',
    tags: ['releases'],
    querystring: applicationQuery,
    response: { 200: Type.Object({ releases: Type.Array(releaseStatus) }) },
  }
  http.get('/v1/releases', { schema }, async ({ query }) => {
    const names = overview.applications().map(({ application }) => application)
    const wanted = query.application === undefined ? names : [query.application]
    return { releases: wanted.flatMap((application) => overview.releasesOf(application)) }
  })
}
