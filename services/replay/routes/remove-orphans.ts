import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { findOrphans } from '../retiring/find-orphans.ts'
import { orphan } from '../retiring/orphan-schemas.ts'
import { removeOrphans } from '../retiring/remove-orphans.ts'
import type { ReplayContext } from './replay-context.ts'

export function removeOrphansRoute(http: Http, { parts, overview }: ReplayContext): void {
  const schema = {
    summary: 'Delete what belongs to no release',
    description: 'Looks again first: what a release has by now stays.',
    tags: ['orphans'],
    response: {
      200: Type.Object({
        removed: Type.Array(orphan),
        kept: Type.Array(Type.Object({ orphan, reason: Type.String() })),
      }),
    },
  }
  http.post('/v1/orphans/remove', { schema }, async () => {
    // Another instance that has taken over may know releases that this one does not.
    const releases = async () => {
      const all = overview.releases.all()
      if (all[0]) await overview.releases.confirm(all[0])
      return all
    }
    const { removed, kept } = await removeOrphans(
      parts.removal,
      await findOrphans(parts.removal, releases),
      releases,
    )
    return { removed: [...removed], kept: [...kept] }
  })
}
