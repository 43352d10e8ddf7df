import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasCode } from './error-code.ts'
import { startTimeOf } from './process-identity.ts'

export interface PidRecord {
  readonly pid: number
  readonly startTime: string
}

/** Records a process of ours, so that a later run can find it after a crash of this one. */
export function writePidFile(file: string, pid: number): void {
  const startTime = startTimeOf(pid)
  // Ended already: there is nothing that a later run would have to find.
  if (startTime === undefined) return
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(file, JSON.stringify({ pid, startTime } satisfies PidRecord), { mode: 0o600 })
}

/** The recorded process if it still runs; undefined if it is gone or the pid is another's now. */
export function readLivePid(file: string): number | undefined {
  const record = readRecord(file)
  if (record === undefined) return undefined
  return startTimeOf(record.pid) === record.startTime ? record.pid : undefined
}

function readRecord(file: string): PidRecord | undefined {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && typeof startTime === 'string' ? { pid, startTime } : undefined
  } catch (error) {
    // A file cut short by a crash names no process.
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined
    throw error
  }
}

/**
 * Takes a file as the sign that this process runs the stack.
 *
 * @returns the pid of the process that holds it, if that is another one that still runs
 */
export function claimPidFile(file: string): number | undefined {
  const holder = readLivePid(file)
  if (holder !== undefined && holder !== process.pid) return holder
  writePidFile(file, process.pid)
  return undefined
}

export function removePidFile(file: string): void {
  rmSync(file, { force: true })
}

/** All pid files of a folder. */
export function pidFilesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pid'))
      .map((name) => join(folder, name))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
