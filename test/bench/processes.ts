import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { hasCode } from '@kappa/processes/error-code'

export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  /** What it is in Kappa's words; undefined for what is no part of the stack. */
  readonly name: string | undefined
  readonly residentBytes: number
  /** CPU time so far, user and system, with that of its children that have ended. */
  readonly cpuSeconds: number
  /** Without its children. */
  readonly ownCpuSeconds: number
}

/** By a part of the command line. */
const NAMES: readonly (readonly [string, string])[] = [
  ['kafka.Kafka', 'Kafka'],
  ['SparkConnectServer', 'Spark'],
  ['services/ingest/main.ts', 'ingest'],
  ['services/replay/main.ts', 'replay'],
  ['services/results/main.ts', 'results'],
  ['valkey-server', 'Redis'],
  ['redis-server', 'Redis'],
  ['weed', 'object store'],
]

let ticksPerSecond: number | undefined

/**
 * This process's descendants, whatever their depth, from Linux's /proc (proc_pid_stat(5)).
 * @throws Error where there is no /proc
 */
export function descendants(): RunningProcess[] {
  const all = new Map<number, RunningProcess>()
  for (const entry of readdirSync('/proc')) {
    const found = /^\d+$/.test(entry) ? readProcess(Number(entry)) : undefined
    if (found) all.set(found.pid, found)
  }
  const isMine = (candidate: RunningProcess): boolean => {
    if (candidate.parent === process.pid) return true
    const parent = all.get(candidate.parent)
    return parent !== undefined && parent.pid > 1 && isMine(parent)
  }
  return [...all.values()].filter(isMine)
}

/** Sums by name, the largest first. */
export function sumByName(
  processes: readonly RunningProcess[],
  measure: (found: RunningProcess) => number,
): { name: string; value: number }[] {
  const sums = new Map<string, number>()
  for (const found of processes) {
    if (found.name === undefined) continue
    sums.set(found.name, (sums.get(found.name) ?? 0) + measure(found))
  }
  return [...sums].map(([name, value]) => ({ name, value })).sort((a, b) => b.value - a.value)
}

/** undefined for one that has ended meanwhile. */
function readProcess(pid: number): RunningProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    // The command in brackets may hold spaces; what follows it is the third field.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const seconds = (...indexes: number[]) =>
      indexes.reduce((sum, index) => sum + Number(fields[index]), 0) / clockTicks()
    return {
      pid,
      parent: Number(fields[1]),
      name: NAMES.find(([part]) => command.includes(part))?.[1],
      residentBytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024,
      cpuSeconds: seconds(11, 12, 13, 14),
      ownCpuSeconds: seconds(11, 12),
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}

function clockTicks(): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return ticksPerSecond
}
