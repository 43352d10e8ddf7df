import type { Http } from '@kappa/service/http'
import type { ReleaseId, Releases } from '../control/releases.ts'
import { cancelReplay, pauseReplay, resumeReplay } from '../replays/operations.ts'
import { findReplay } from '../replays/replay-id.ts'
import { replayStatus } from '../replays/replay-schemas.ts'
import { type ReplayContext, replayParams } from './replay-context.ts'

const operations: Readonly<
  Record<string, { summary: string; run: (releases: Releases, id: ReleaseId) => Promise<void> }>
> = {
  pause: { summary: 'Stop its cluster and keep what it has read', run: pauseReplay },
  resume: {
    summary: 'Go on from its checkpoints, or try again what has failed',
    run: resumeReplay,
  },
  cancel: { summary: 'End it and delete all that it has made', run: cancelReplay },
}

/** The operations that differ in nothing but what they do to the release's state. */
export function changeReplayRoutes(http: Http, { overview }: ReplayContext): void {
  for (const [name, { summary, run }] of Object.entries(operations)) {
    const schema = {
      summary,
      tags: ['replays'],
      params: replayParams,
      response: { 202: replayStatus },
    }
    http.post(`/v1/replays/:id/${name}`, { schema }, async ({ params }, reply) => {
      const { releases } = overview
      const record = findReplay(releases, params.id)
      await run(releases, record)
      return reply.status(202).send(overview.replay(record))
    })
  }
}
