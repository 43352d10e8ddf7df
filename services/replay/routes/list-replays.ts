import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { replayStatus } from '../replays/replay-schemas.ts'
import { applicationQuery, type ReplayContext } from './replay-context.ts'

export function listReplaysRoute(http: Http, { overview }: ReplayContext): void {
  const schema = {
    summary: 'Replays, the newest first',
    tags: ['replays'],
    querystring: applicationQuery,
    response: { 200: Type.Object({ replays: Type.Array(replayStatus) }) },
  }
  http.get('/v1/replays', { schema }, async ({ query }) => ({
    replays: overview.replays(query.application),
  }))
}
