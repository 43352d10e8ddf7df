import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import type { Applications } from '../releases/applications.ts'
import { applicationStatus } from '../releases/release-status.ts'

export function listApplicationsRoute(http: Http, applications: Applications): void {
  const response = { 200: Type.Object({ applications: Type.Array(applicationStatus) }) }
  const schema = { summary: 'All applications with the state of their releases', response }
  http.get('/v1/applications', { schema }, async () => ({ applications: applications.statuses() }))
}
