import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { hasCode } from './error-code.ts'

const PS_TIMEOUT_MS = 5_000

/**
 * What tells a process from a later one with the same pid: its start time, in the system's own
 * terms (clock ticks since boot on Linux, a date elsewhere).
 *
 * @returns undefined when there is no such process, or only its zombie
 */
export function startTimeOf(pid: number): string | undefined {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

/** proc(5): the name in parentheses may hold spaces, so fields are counted behind it. */
function fromProc(pid: number): string | undefined {
  const text = readProc(pid)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}

function readProc(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}

function fromPs(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: PS_TIMEOUT_MS,
    })
    return text.trim() === '' ? undefined : text.trim()
  } catch {
    // ps ends with 1 when there is no such process.
    return undefined
  }
}
