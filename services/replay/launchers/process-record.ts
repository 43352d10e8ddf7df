import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** A process by pid and start time, so that a pid that was given anew is never taken for it. */
export interface ProcessRecord {
  readonly pid: number
  readonly startedAt: string
}

/** undefined when no such process runs. */
export function identifyProcess(pid: number): ProcessRecord | undefined {
  try {
    const startedAt = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
    }).trim()
    return startedAt === '' ? undefined : { pid, startedAt }
  } catch {
    // ps ends with status 1 when there is no such process.
    return undefined
  }
}

export function saveProcess(file: string, record: ProcessRecord): void {
  writeFileSync(file, JSON.stringify(record), { mode: 0o600 })
}

export function forgetProcess(file: string): void {
  rmSync(file, { force: true })
}

/** The recorded process if it still runs. */
export function findProcess(file: string): ProcessRecord | undefined {
  if (!existsSync(file)) return undefined
  const record = JSON.parse(readFileSync(file, 'utf8')) as ProcessRecord
  return identifyProcess(record.pid)?.startedAt === record.startedAt ? record : undefined
}
