import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { findOrphans } from '../retiring/find-orphans.ts'
import { orphan } from '../retiring/orphan-schemas.ts'
import type { ReplayContext } from './replay-context.ts'

export function listOrphansRoute(http: Http, { parts, overview }: ReplayContext): void {
  const schema = {
    summary: 'What belongs to no release: in Kafka, the object store and Redis',
    tags: ['orphans'],
    response: { 200: Type.Object({ orphans: Type.Array(orphan) }) },
  }
  http.get('/v1/orphans', { schema }, async () => ({
    orphans: await findOrphans(parts.removal, () => overview.releases.all()),
  }))
}
