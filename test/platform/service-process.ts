import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '..', '..')
const startTimeoutMs = 60_000
const stopTimeoutMs = 60_000

const running = new Set<ChildProcess>()

// The runner ends an interrupted test file with SIGTERM: its services must not outlive it.
process.once('SIGTERM', () => {
  for (const child of running) child.kill('SIGKILL')
  process.exit(143)
})

/** One service as a process of its own, so that a test can kill it as a machine would. */
export class ServiceProcess {
  readonly name: string
  readonly url: string
  readonly pid: number
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  private constructor(name: string, url: string, child: ChildProcess, exited: Promise<unknown>) {
    this.name = name
    this.url = url
    this.#child = child
    this.pid = child.pid ?? 0
    this.#exited = exited
  }

  static async start(
    name: 'ingest' | 'replay' | 'results',
    environment: Readonly<Record<string, string>>,
    logFile: string,
  ): Promise<ServiceProcess> {
    const main = join(root, 'services', name, 'main.ts')
    const child = spawn(process.execPath, [main], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    })
    const log = createWriteStream(logFile, { flags: 'a' })
    child.stdout?.pipe(log)
    child.stderr?.pipe(log)
    running.add(child)
    const exited = once(child, 'exit').finally(() => running.delete(child))
    const failed = exited.then(() => {
      throw new Error(
        `${name} ended on its way up:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`,
      )
    })
    const timedOut = AbortSignal.timeout(startTimeoutMs)
    const late = once(timedOut, 'abort').then(() => {
      throw new Error(`${name} does not listen after ${startTimeoutMs} ms.`)
    })
    const url = await Promise.race([listeningUrl(child, name), failed, late])
    failed.catch(() => undefined)
    late.catch(() => undefined)
    return new ServiceProcess(name, url, child, exited)
  }

  /** Ends it at once, with no chance to finish anything. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    const cut = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs)
    await this.#exited
    clearTimeout(cut)
  }
}

async function listeningUrl(child: ChildProcess, name: string): Promise<string> {
  if (!child.stdout) throw new Error(`${name} has no output.`)
  for await (const line of createInterface({ input: child.stdout })) {
    const match = /"listening":"(http:[^"]+)"/.exec(line)
    if (match?.[1]) return match[1]
  }
  throw new Error(`${name} has closed its output without listening.`)
}
