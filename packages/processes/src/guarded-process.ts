import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { hasCode } from './error-code.ts'
import { signalProcess } from './signal-process.ts'

const guard = join(import.meta.dirname, 'process-guard.sh')

export interface GuardedOptions {
  /** File descriptor that takes the output: nothing is lost or delayed when this process is busy. */
  readonly output: number
  /** On top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A child that ends when this process ends, however that comes about. */
export interface GuardedProcess {
  /** Of the command itself. */
  readonly pid: number
  /** Resolves with how it ended, whoever ended it: `ended with 1` or `ended by SIGKILL`. */
  readonly exited: Promise<string>
  /** SIGTERM, and after `timeoutMs` SIGKILL; resolves when it is gone. Idempotent. */
  stop(timeoutMs: number): Promise<void>
}

/**
 * Starts a command below a guard that ends it when this process is gone. Both are in a process
 * group of their own: Ctrl-C in a terminal reaches this process only, which then stops all in order.
 *
 * @throws Error the guard could not be started; a command that cannot be ends with 126 or 127
 */
export async function startGuarded(
  command: string,
  args: readonly string[],
  options: GuardedOptions,
): Promise<GuardedProcess> {
  const child = spawn('/bin/sh', [guard, command, ...args], {
    detached: true,
    stdio: ['pipe', options.output, options.output, 'ignore', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const exited = untilExited(child)
  const pid = await readPid(child)
  if (pid === undefined) throw new Error(`${command} ${await exited}`)
  let stopping: Promise<void> | undefined
  return {
    pid,
    exited,
    stop(timeoutMs) {
      stopping ??= stop(child, exited, timeoutMs)
      return stopping
    },
  }
}

function untilExited(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => {
      // What the command itself has left, and the command when its guard was killed.
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL')
      resolve(describeEnd(code, signal))
    })
  })
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  // A shell tells the signal that ended its child as 128 + its number.
  const name = Object.entries(constants.signals).find(([, number]) => number + 128 === code)?.[0]
  const by = signal ?? name
  return by === undefined ? `ended with ${code}` : `ended by ${by}`
}

async function readPid(child: ChildProcess): Promise<number | undefined> {
  let text = ''
  try {
    for await (const chunk of child.stdio[4] as Readable) text += chunk
  } catch (error) {
    // The guard was not started: `exited` says why.
    if (!hasCode(error, 'ERR_STREAM_PREMATURE_CLOSE')) throw error
  }
  return text === '' ? undefined : Number(text)
}

async function stop(
  child: ChildProcess,
  exited: Promise<string>,
  timeoutMs: number,
): Promise<void> {
  child.kill('SIGTERM')
  const cut = setTimeout(() => child.stdin?.destroy(), timeoutMs)
  await exited
  clearTimeout(cut)
}
