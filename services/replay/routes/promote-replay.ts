import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { findReplay } from '../replays/replay-id.ts'
import { promote } from '../switching/request-switch.ts'
import { switchOutcome } from '../switching/switch-outcome.ts'
import { dryRunQuery, type ReplayContext, replayParams } from './replay-context.ts'

export function promoteReplayRoute(http: Http, { overview, config }: ReplayContext): void {
  const schema = {
    summary: 'Make the release of a replay live',
    description:
      'Atomic for readers: no answer mixes releases, none goes backwards, none fails. The release that was live goes on running as a standby.',
    tags: ['replays'],
    params: replayParams,
    querystring: dryRunQuery,
    body: Type.Optional(
      Type.Object(
        {
          force: Type.Optional(
            Type.Boolean({ description: 'Though rows differ or another release is live now.' }),
          ),
        },
        { additionalProperties: false },
      ),
    ),
    response: { 200: switchOutcome },
  }
  http.post('/v1/replays/:id/promote', { schema }, async ({ params, query, body }) =>
    promote(overview.releases, findReplay(overview.releases, params.id), {
      dryRun: query.dry_run ?? false,
      force: body?.force ?? false,
      timeoutMs: switchTimeoutMs(config),
    }),
  )
}

/** Longer than a switch takes, so that the answer says what became of it. */
export function switchTimeoutMs({ replays }: ReplayContext['config']): number {
  return replays.switchWaitMs + replays.freezeMsMax + 10_000
}
