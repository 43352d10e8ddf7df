import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/**
 * What a child process writes first to its standard output.
 * @throws Error it has ended before, with its status
 */
export async function firstOutput(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('The child writes its output elsewhere.')
  const ended = once(child, 'close').then(([code, signal]) => {
    throw new Error(`${child.spawnfile} ended with ${signal ?? code} and wrote nothing.`)
  })
  const [chunk] = await Promise.race([once(child.stdout, 'data'), ended])
  return String(chunk)
}
