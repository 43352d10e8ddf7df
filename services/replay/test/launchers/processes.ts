import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { hasCode } from '@kappa/processes/error-code'
import { startTimeOf } from '@kappa/processes/process-identity'

/** The processes of Java that have an argument, with what tells each from later ones of its pid. */
export function javaProcesses(argument: string): { pid: number; startTime: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const [command = '', ...rest] = argumentsOf(name)
      const startTime = startTimeOf(Number(name))
      const isMeant = basename(command) === 'java' && rest.includes(argument)
      return isMeant && startTime !== undefined ? [{ pid: Number(name), startTime }] : []
    })
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch (error) {
    // It has ended meanwhile.
    if (hasCode(error, 'ENOENT', 'ESRCH')) return []
    throw error
  }
}
