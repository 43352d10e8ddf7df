import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pidFilesIn, readLivePid, removePidFile } from '@kappa/processes/pid-file'
import { signalProcess } from '@kappa/processes/signal-process'

const POLL_MS = 50

/**
 * Ends what a run that crashed left behind, or waits until its guard has ended it. Only processes whose pid and start time are those
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
  signalProcess(pid, 'SIGTERM')
  const deadline = Date.now() + stopTimeoutMs
  while (readLivePid(file) !== undefined) {
    if (Date.now() > deadline) signalProcess(pid, 'SIGKILL')
    await delay(POLL_MS)
  }
}
