import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import type { Applications } from '../releases/applications.ts'
import { applicationStatus } from '../releases/release-status.ts'

export function readApplicationRoute(http: Http, applications: Applications): void {
  const schema = {
    summary: 'One application with the state of its releases and views',
    params: Type.Object({ application: Type.String() }),
    response: { 200: applicationStatus },
  }
  http.get('/v1/applications/:application', { schema }, async ({ params }) => {
    const statuses = applications.statuses()
    const status = statuses.find(({ application }) => application === params.application)
    if (status) return status
    const known = statuses.map(({ application }) => application).join(', ')
    throw new ServiceError(
      'unknown_application',
      `There is no application ${params.application}; known: ${known || 'none'}.`,
    )
  })
}
