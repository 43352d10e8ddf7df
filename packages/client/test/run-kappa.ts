import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { runKappa as run } from '../src/cli/main.ts'

const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly stdin?: string | Buffer | Iterable<string> | AsyncIterable<string>
  readonly onStart?: (child: ChildProcess) => void
}

/** Runs `kappa` as a process of its own, as a shell would. */
export async function runKappa(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  options.onStart?.(child)
  const { stdin = '' } = options
  const source = Readable.from(
    typeof stdin === 'string' || Buffer.isBuffer(stdin) ? [stdin] : stdin,
  )
  // A command that does not read its input ends it: that is its right.
  const fed = pipeline(source, child.stdin).catch(() => undefined)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  source.destroy()
  await fed
  return { code, stdout, stderr }
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

export interface CallOptions {
  /** Both outputs are terminals of so many columns. */
  readonly columns?: number
  /** Called at the start: `interrupt` is Ctrl-C. */
  readonly onStart?: (interrupt: () => void) => void
}

/** Runs `kappa` in this process: for what does not depend on being one. */
export async function callKappa(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { columns, onStart }: CallOptions = {},
): Promise<Finished> {
  const told = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      told[name] += text
    },
    ...(columns === undefined ? {} : { isTTY: true, columns }),
  })
  const listeners = new Set<(signal: NodeJS.Signals) => void>()
  onStart?.(() => {
    for (const listener of listeners) listener('SIGINT')
  })
  const code = await run(args, {
    stdin: Readable.from([]),
    stdout: output('stdout'),
    stderr: output('stderr'),
    env,
    onInterrupt: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  })
  return { code, ...told }
}

/** A folder that is removed with the process. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kappa-client-test-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
