import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { applicationStatus } from '../overview/release-status.ts'
import { applicationParams, type ReplayContext } from './replay-context.ts'

export function readApplicationRoute(http: Http, { overview }: ReplayContext): void {
  const schema = {
    summary: 'One application with the state of its releases and views',
    tags: ['applications'],
    params: applicationParams,
    response: { 200: applicationStatus },
  }
  http.get('/v1/applications/:application', { schema }, async ({ params }) => {
    const statuses = overview.applications()
    const status = statuses.find(({ application }) => application === params.application)
    if (status) return status
    const known = statuses.map(({ application }) => application).join(', ')
    throw new ServiceError(
      'unknown_application',
      `There is no application ${params.application}; known: ${known || 'none'}.`,
    )
  })
}
