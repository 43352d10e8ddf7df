import type { ReleaseRecord } from '@kappa/applications/records'
import type { Releases } from '../control/releases.ts'

const retryMs = 5_000

/**
 * What the policy of a replay has to say of its release, which is ready: to be promoted now, or why
 * not; undefined where nobody but a person decides, or it was tried a moment ago.
 */
export function policyOf(
  releases: Releases,
  record: ReleaseRecord,
): { readonly promote: true } | { readonly promote: false; readonly reason: string } | undefined {
  const { replay, note } = record
  if (!replay || replay.promote === 'manual') return undefined
  const problem = reasonAgainstPromotion(releases, record)
  if (problem) return { promote: false, reason: problem.message }
  return note && Date.now() - note.at < retryMs ? undefined : { promote: true }
}

export interface PromotionProblem {
  readonly code: 'wrong_state' | 'live_changed' | 'rows_differ' | 'rows_dropped'
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
  if (!releases.isComplete(record)) {
    return {
      code: 'rows_dropped',
      message: `${name} has dropped events that it should have counted; its rows cannot become right. Cancel it, and replay with more watermark_slack.`,
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
      message: `${name} is to be promoted if its rows are equal, and they are ${verdict}. Look at the comparison; then declare what is expected and compare again, or force it.`,
    }
  }
  return undefined
}
