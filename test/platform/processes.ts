import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const psTimeoutMs = 10_000

function ps(...options: string[]): string {
  return execFileSync('ps', options, {
    encoding: 'utf8',
    timeout: psTimeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** Whether a process stands still, as after SIGSTOP. */
export function isStopped(pid: number): boolean {
  return ps('-o', 'stat=', '-p', String(pid)).startsWith('T')
}

/** `<application>-<release>` of each JVM of a platform's Spark clusters; sorted, with duplicates. */
export function runningSparks(platformFolder: string): string[] {
  const folder = join(platformFolder, 'spark')
  return ps('-axww', '-o', 'command=')
    .split('\n')
    .filter((command) => !command.includes('process-guard.sh'))
    .flatMap((command) => {
      const [, rest] = command.split(`--properties-file ${folder}/`)
      return rest === undefined ? [] : [rest.slice(0, rest.indexOf('/'))]
    })
    .sort()
}
