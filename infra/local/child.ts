import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type GuardedProcess, startGuarded } from '@kappa/processes/guarded-process'
import { removePidFile, writePidFile } from '@kappa/processes/pid-file'
import { LocalError } from './local-error.ts'
import { waitFor } from './wait.ts'

const LOG_LINES_SHOWN = 20

export interface ChildSpec {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Resolves to something once the child serves; asked again until `readyTimeoutMs`. */
  readonly ready: () => Promise<unknown>
  readonly readyTimeoutMs: number
  /** Time between SIGTERM and SIGKILL. */
  readonly stopTimeoutMs: number
}

export interface ChildFolders {
  readonly logs: string
  readonly pids: string
}

export interface Child {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  /** Resolves with how it ended, whoever ended it. */
  readonly exited: Promise<string>
  /** SIGTERM, then SIGKILL; resolves when it is gone. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts a process that does not outlive this one, its output going to a log file, and waits until
 * it is ready. The previous run's log is kept as `<name>.log.1`.
 *
 * @throws LocalError it ended or was not ready in time, with the last lines of its log; it is
 *   gone then
 */
export async function startChild(
  spec: ChildSpec,
  folders: ChildFolders,
  signal?: AbortSignal,
): Promise<Child> {
  const logFile = join(folders.logs, `${spec.name}.log`)
  const pidFile = join(folders.pids, `${spec.name}.pid`)
  const started = await startLogged(spec, logFile)
  writePidFile(pidFile, started.pid)
  const ended = new AbortController()
  const exited = started.exited.then((how) => {
    removePidFile(pidFile)
    ended.abort(failure(spec.name, how, logFile))
    return how
  })
  const child: Child = {
    name: spec.name,
    pid: started.pid,
    logFile,
    exited,
    async stop() {
      await started.stop(spec.stopTimeoutMs)
      await exited
    },
  }
  try {
    const signals = signal === undefined ? [ended.signal] : [ended.signal, signal]
    await waitFor(`${spec.name} being ready`, spec.ready, {
      timeoutMs: spec.readyTimeoutMs,
      signal: AbortSignal.any(signals),
    })
    return child
  } catch (error) {
    await child.stop()
    if (ended.signal.reason === error || signal?.aborted === true) throw error
    throw failure(spec.name, (error as Error).message, logFile, error)
  }
}

async function startLogged(spec: ChildSpec, logFile: string): Promise<GuardedProcess> {
  mkdirSync(join(logFile, '..'), { recursive: true, mode: 0o700 })
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`)
  const output = openSync(logFile, 'a', 0o600)
  try {
    return await startGuarded(spec.command, spec.args, {
      output,
      ...(spec.env === undefined ? {} : { env: spec.env }),
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    })
  } finally {
    closeSync(output)
  }
}

function failure(name: string, how: string, logFile: string, cause?: unknown): LocalError {
  return new LocalError(`${name}: ${how}\nThe last lines of ${logFile}:\n${lastLines(logFile)}`, {
    cause,
  })
}

/** The end of a log, indented, for an error message. */
export function lastLines(logFile: string): string {
  if (!existsSync(logFile)) return '    (no log)'
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN)
  return lines.map((line) => `    ${line}`).join('\n')
}
