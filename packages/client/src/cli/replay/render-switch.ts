import type { SwitchOutcome } from '../../replay-status.ts'
import { count } from '../figures.ts'
import { plainText } from '../plain-text.ts'

/** What a promotion or rollback did, in lines. */
export function switchText(outcome: SwitchOutcome, dryRun: boolean): string {
  const { application, from, to, done, allowed, reason, frozen_ms } = outcome
  const why = reason === null ? '' : `: ${plainText(reason)}`
  const place = from === null ? '' : ` in place of release ${from}`
  if (!allowed)
    return `${application}: release ${to} ${dryRun ? 'would' : 'does'} not become live${why}\n`
  if (dryRun) return `${application}: release ${to} would become live${place}${why}.\n`
  if (!done) return `${application}: release ${to} is going to be live${place}${why}.\n`
  const frozen =
    frozen_ms === null ? '' : ` Rows stood still for readers for ${count(frozen_ms)} ms.`
  const back = from === null ? '' : `kappa rollback ${application} --to ${from} takes that back.\n`
  return `${application}: release ${to} is live now${place}.${frozen}\n${back}`
}
