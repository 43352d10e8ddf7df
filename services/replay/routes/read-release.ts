import type { Http } from '@kappa/service/http'
import { releaseStatus } from '../overview/release-status.ts'
import { type ReplayContext, releaseParams } from './replay-context.ts'

export function readReleaseRoute(http: Http, { overview }: ReplayContext): void {
  const schema = {
    summary: 'One release',
    tags: ['releases'],
    params: releaseParams,
    response: { 200: releaseStatus },
  }
  http.get('/v1/releases/:application/:release', { schema }, async ({ params }) =>
    overview.release(params),
  )
}
