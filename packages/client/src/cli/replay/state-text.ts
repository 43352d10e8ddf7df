import type { ReleaseState } from '../../replay-status.ts'

/** A state in words. */
export function stateText(state: ReleaseState): string {
  return state.replaceAll('_', ' ')
}
