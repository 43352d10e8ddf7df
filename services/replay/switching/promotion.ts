import type { ReleaseRecord } from '@kappa/applications/records'
import type { Releases } from '../control/releases.ts'

const retryMs = 5_000

/** Whether the policy of a replay makes its release live without being asked again. */
export function wantsPromotion(releases: Releases, record: ReleaseRecord): boolean {
  const { replay, note } = record
  if (!replay || (note && Date.now() - note.at < retryMs)) return false
  return replay.promote !== 'manual' && reasonAgainstPromotion(releases, record) === undefined
}

export interface PromotionProblem {
  readonly code: 'wrong_state' | 'live_changed' | 'rows_differ'
  readonly message: string
}

/** Why a release may not be made live; forced, differing rows are no reason. */
export function reasonAgainstPromotion(
  releases: Releases,
  record: ReleaseRecord,
  { force = false }: { force?: boolean } = {},
): PromotionProblem | undefined {
  const { application, release, state, replay } = record
  const name = `Release ${release} of ${application}`
  if (state !== 'ready') {
    return {
      code: 'wrong_state',
      message: `${name} is ${state}; only one that is ready can be promoted.`,
    }
  }
  const live = releases.pointer(application)?.release
  const comparedWith = replay?.comparison?.with_release ?? replay?.replaces
  if (!force && live !== comparedWith) {
    return {
      code: 'live_changed',
      message: `${name} was held against release ${comparedWith}, but release ${live} is live now. Compare again (POST /v1/replays/${application}-${release}/compare), or force it.`,
    }
  }
  if (!force && replay?.promote === 'if-equal' && replay.comparison?.verdict !== 'equal') {
    const verdict = replay.comparison?.verdict ?? 'not compared'
    return {
      code: 'rows_differ',
      message: `${name} is to be promoted if its rows are equal, and they are ${verdict}. Look at the comparison; then declare what is expected in a new replay, or force it.`,
    }
  }
  return undefined
}
