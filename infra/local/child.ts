import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { signalGroup } from './leftovers.ts'
import { LocalError } from './local-error.ts'
import { removePidFile, writePidFile } from './pid-file.ts'
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
 * Starts a process, its output going to a log file, and waits until it is ready. The previous
 * run's log is kept as `<name>.log.1`.
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
  const started = spawnLogged(spec, logFile)
  const ended = new AbortController()
  const exited = new Promise<string>((resolve) => {
    started.once('error', (error) => resolve(`could not be started: ${error.message}`))
    started.once('exit', (code, by) =>
      resolve(by === null ? `ended with ${code}` : `ended by ${by}`),
    )
  }).then((how) => {
    removePidFile(pidFile)
    ended.abort(failure(spec.name, how, logFile))
    return how
  })
  const { pid } = started
  if (pid === undefined) throw failure(spec.name, await exited, logFile)
  writePidFile(pidFile, pid)

  let stopping: Promise<void> | undefined
  const child: Child = {
    name: spec.name,
    pid,
    logFile,
    exited,
    stop() {
      stopping ??= stopGroup(pid, exited, spec.stopTimeoutMs)
      return stopping
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

/** Output goes straight to the file: nothing is lost or delayed when this process is busy. */
function spawnLogged(spec: ChildSpec, logFile: string): ChildProcess {
  mkdirSync(join(logFile, '..'), { recursive: true, mode: 0o700 })
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`)
  const log = openSync(logFile, 'a', 0o600)
  try {
    return spawn(spec.command, spec.args, {
      // A group of its own: Ctrl-C reaches this process only, which then stops all in order.
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...spec.env },
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    })
  } finally {
    closeSync(log)
  }
}

async function stopGroup(pid: number, exited: Promise<string>, timeoutMs: number): Promise<void> {
  let gone = false
  const done = exited.then(() => {
    gone = true
  })
  signalGroup(pid, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), timeoutMs)
  await done
  clearTimeout(timer)
  // Grandchildren that outlived it
  if (gone) signalGroup(pid, 'SIGKILL')
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
