import { hasCode } from './error-code.ts'

/** Signals a process, or with `-pid` the group that it leads; one that has ended is left alone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // ESRCH: it has ended meanwhile, which is what was wanted.
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
