import type { Http } from '@kappa/service/http'
import { releaseStatus } from '../overview/release-status.ts'
import { retireRelease } from '../replays/operations.ts'
import { type ReplayContext, releaseParams } from './replay-context.ts'

export function retireReleaseRoute(http: Http, { overview }: ReplayContext): void {
  const schema = {
    summary: 'Delete a release: its changelogs, checkpoints and rows',
    description: 'Never the live one. What it was stays readable as its record.',
    tags: ['releases'],
    params: releaseParams,
    response: { 202: releaseStatus },
  }
  http.post('/v1/releases/:application/:release/retire', { schema }, async ({ params }, reply) => {
    await retireRelease(overview.releases, params)
    return reply.status(202).send(overview.release(params))
  })
}
