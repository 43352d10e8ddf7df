import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode, isAlive } from './cache.mjs'
import { SetupProblem } from './problem.mjs'

const POLL_MS = 250

/**
 * Runs work while holding a lock file, so that two set-ups at once do not both download. The
 * lock of a process that is gone is taken over. It saves time only: what keeps the cache
 * consistent is the rename at the end.
 *
 * @template T
 * @param {string} file
 * @param {number} waitMsMax
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {SetupProblem} the lock was held by others for longer than waitMsMax
 */
export async function withLock(file, waitMsMax, work) {
  const deadline = Date.now() + waitMsMax
  await mkdir(dirname(file), { recursive: true })
  while (!(await take(file))) {
    if (Date.now() > deadline) {
      throw new SetupProblem(
        `Another set-up has held ${file} for over ${waitMsMax / 1000} s. Stop it, or delete the file if there is none.`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

/** @param {string} file */
async function take(file) {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  const holder = Number(await readFile(file, 'utf8').catch(() => ''))
  if (holder > 0 && !isAlive(holder)) await rm(file, { force: true })
  return false
}
