import type { Http } from '@kappa/service/http'
import { findReplay } from '../replays/replay-id.ts'
import { replayStatus } from '../replays/replay-schemas.ts'
import { type ReplayContext, replayParams } from './replay-context.ts'

export function readReplayRoute(http: Http, { overview }: ReplayContext): void {
  const schema = {
    summary: 'One replay: its plan, its progress, its comparison',
    tags: ['replays'],
    params: replayParams,
    response: { 200: replayStatus },
  }
  http.get('/v1/replays/:id', { schema }, async ({ params }) =>
    overview.replay(findReplay(overview.releases, params.id)),
  )
}
