import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { applicationStatus } from '../overview/release-status.ts'
import type { ReplayContext } from './replay-context.ts'

export function listApplicationsRoute(http: Http, { overview }: ReplayContext): void {
  const response = { 200: Type.Object({ applications: Type.Array(applicationStatus) }) }
  const summary = 'All applications with the state of their releases'
  http.get(
    '/v1/applications',
    { schema: { summary, tags: ['applications'], response } },
    async () => ({
      applications: overview.applications(),
    }),
  )
}
