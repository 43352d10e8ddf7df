import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { compareAgain } from '../replays/operations.ts'
import { findReplay } from '../replays/replay-id.ts'
import { comparisonRequest, replayStatus } from '../replays/replay-schemas.ts'
import { type ReplayContext, replayParams } from './replay-context.ts'

export function compareReplayRoute(http: Http, { overview }: ReplayContext): void {
  const schema = {
    summary: 'Hold its rows against the live release again',
    description:
      'With a body: other differences are expected from here on, and what it leaves out stays as it was.',
    tags: ['replays'],
    params: replayParams,
    body: Type.Optional(comparisonRequest),
    response: { 202: replayStatus },
  }
  http.post('/v1/replays/:id/compare', { schema }, async ({ params, body }, reply) => {
    const { releases } = overview
    const record = findReplay(releases, params.id)
    await compareAgain(releases, record, body ?? {})
    return reply.status(202).send(overview.replay(record))
  })
}
