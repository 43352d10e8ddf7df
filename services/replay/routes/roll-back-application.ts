import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { rollBack } from '../switching/request-switch.ts'
import { switchOutcome } from '../switching/switch-outcome.ts'
import { switchTimeoutMs } from './promote-replay.ts'
import { applicationParams, dryRunQuery, type ReplayContext } from './replay-context.ts'

export function rollBackApplicationRoute(http: Http, { overview, config }: ReplayContext): void {
  const schema = {
    summary: 'Make an earlier release live again',
    description:
      'The standby at once. A release that was stopped is started from its checkpoints and catches up first: then the answer is 202, and it becomes live by itself.',
    tags: ['applications'],
    params: applicationParams,
    querystring: dryRunQuery,
    body: Type.Optional(
      Type.Object(
        { to: Type.Optional(Type.Integer({ minimum: 1, description: 'A retained release.' })) },
        { additionalProperties: false },
      ),
    ),
    response: { 200: switchOutcome, 202: switchOutcome },
  }
  http.post(
    '/v1/applications/:application/rollback',
    { schema },
    async ({ params, query, body }, reply) => {
      const dryRun = query.dry_run ?? false
      const outcome = await rollBack(overview.releases, params.application, body?.to, {
        dryRun,
        timeoutMs: switchTimeoutMs(config),
      })
      return reply.status(outcome.done || dryRun ? 200 : 202).send(outcome)
    },
  )
}
