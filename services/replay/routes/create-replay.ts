import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { createReplay } from '../replays/create-replay.ts'
import { dryRunReplay } from '../replays/dry-run.ts'
import { replayDryRun, replayRequest, replayStatus } from '../replays/replay-schemas.ts'
import { dryRunQuery, type ReplayContext } from './replay-context.ts'

const description = `Builds a new release of the application, as its folder is now, from the log: beside
the live one, with a cluster, checkpoints and changelogs of its own. Readers go on reading the live one
until the new one is promoted. With dry_run the answer is the plan: what would be read, how long that
will take, whether Spark accepts the SQL, and what speaks against it.`

export function createReplayRoute(http: Http, { parts, overview, analysis }: ReplayContext): void {
  const schema = {
    summary: 'Replay an application',
    description,
    tags: ['replays'],
    querystring: dryRunQuery,
    headers: Type.Object({
      'idempotency-key': Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 200,
          description: 'The same key with the same request is one replay.',
        }),
      ),
    }),
    body: replayRequest,
    response: {
      200: Type.Union([replayStatus, replayDryRun]),
      201: replayStatus,
    },
  }
  http.post('/v1/replays', { schema }, async ({ body, query, headers, span }, reply) => {
    if (query.dry_run) return dryRunReplay(parts, analysis, body)
    const { record, created } = await createReplay(
      parts,
      analysis,
      body,
      headers['idempotency-key'],
    )
    span?.set({ 'kappa.application': record.application, 'kappa.release': record.release })
    return reply.status(created ? 201 : 200).send(overview.replay(record))
  })
}
