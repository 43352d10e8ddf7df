import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { definitionDiff } from '../definitions/definition-diff.ts'
import { readDiff } from '../replays/read-diff.ts'
import { applicationParams, type ReplayContext } from './replay-context.ts'

const diffAnswer = Type.Object({
  application: Type.String(),
  release: Type.Integer({ description: 'The live release that the folder is held against.' }),
  ...definitionDiff.properties,
  problems: Type.Array(Type.String(), { description: 'What Spark says against the SQL.' }),
})

export function readDiffRoute(http: Http, { parts, analysis }: ReplayContext): void {
  const schema = {
    summary: 'What a replay of the folder as it is now would change',
    description:
      'SQL, keys, streams, contracts, datasets and settings beside those of the live release. Columns of changed views are found by Spark, which takes some seconds.',
    tags: ['applications'],
    params: applicationParams,
    response: { 200: diffAnswer },
  }
  http.get('/v1/applications/:application/diff', { schema }, async ({ params }) =>
    readDiff(parts, analysis, params.application),
  )
}
