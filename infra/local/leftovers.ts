import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from './error-code.ts'
import { pidFilesIn, readLivePid, removePidFile } from './pid-file.ts'

const POLL_MS = 50

/**
 * Ends what a run that crashed left behind. Only processes whose pid and start time are those
 * recorded are touched.
 *
 * @returns the names of what was ended
 */
export async function sweepLeftovers(pidFolder: string, stopTimeoutMs: number): Promise<string[]> {
  const swept = await Promise.all(
    pidFilesIn(pidFolder).map(async (file) => {
      const pid = readLivePid(file)
      if (pid !== undefined) await endProcess(file, pid, stopTimeoutMs)
      removePidFile(file)
      return pid === undefined ? undefined : basename(file, '.pid')
    }),
  )
  return swept.filter((name) => name !== undefined)
}

async function endProcess(file: string, pid: number, stopTimeoutMs: number): Promise<void> {
  signalGroup(pid, 'SIGTERM')
  const deadline = Date.now() + stopTimeoutMs
  while (readLivePid(file) !== undefined) {
    if (Date.now() > deadline) signalGroup(pid, 'SIGKILL')
    await delay(POLL_MS)
  }
}

/** Signals a child and its own children: each child of ours leads a process group. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: it has ended meanwhile, which is what was wanted.
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
