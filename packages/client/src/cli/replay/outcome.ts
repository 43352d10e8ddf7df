import type { ReplayStatus } from '../../replay-status.ts'
import { exitCodes } from '../command.ts'

/** How a replay that rests has ended, for scripts: 0 when it is what was asked for. */
export function restExitCode({ state, request, comparison }: ReplayStatus): number {
  switch (state) {
    case 'ready': {
      // Its policy was to make it live, and it is not.
      if (request.promote !== 'manual') return exitCodes.failed
      const equal = comparison === null || comparison.verdict === 'equal'
      return equal ? exitCodes.done : exitCodes.failed
    }
    case 'paused':
    case 'cancelled':
    case 'failed':
      return exitCodes.failed
    default:
      return exitCodes.done
  }
}
