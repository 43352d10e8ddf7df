import { spawn } from 'node:child_process'
import { join } from 'node:path'

export interface PythonRun {
  readonly args?: readonly string[]
  /** Written to the script's standard input, which is closed after it. */
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** The working directory; this process's unless told. */
  readonly cwd?: string
  /** The script is killed then; 60,000 unless told. */
  readonly timeoutMs?: number
}

export interface PythonResult {
  /** null: the time was over. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const outputBytesMax = 64 * 1_048_576

/**
 * Runs `test/python/<name>.py`, or without a name what `args` say (as in `-c`, `-m`),
 * with the packages of infra/python-requirements.txt.
 * @throws Error the tests were not started through `npm test`, or there is no python3
 */
export function runPython(name: string | undefined, run: PythonRun = {}): Promise<PythonResult> {
  const script = name === undefined ? [] : [join(import.meta.dirname, 'python', `${name}.py`)]
  const child = spawn('python3', [...script, ...(run.args ?? [])], {
    env: {
      ...process.env,
      ...run.env,
      PYTHONPATH: packagesFolder(),
      PYTHONNOUSERSITE: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    },
    cwd: run.cwd ?? process.cwd(),
    timeout: run.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  })
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text
        if (output[stream].length > outputBytesMax) child.kill('SIGKILL')
      })
    }
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, ...output }))
    // A script that ended without reading its input has an exit code that says more than EPIPE.
    child.stdin.once('error', () => undefined)
    child.stdin.end(run.input ?? '')
  })
}

/**
 * Runs a script that reads JSON from its standard input and writes JSON to its standard output.
 * @throws Error with what the script wrote to standard error, when it failed or was too slow
 */
export async function askPython<T>(name: string, input: unknown, run: PythonRun = {}): Promise<T> {
  const result = await runPython(name, { ...run, input: JSON.stringify(input) })
  if (result.exitCode === 0) return JSON.parse(result.stdout) as T
  const how = result.exitCode === null ? 'was killed' : `ended with code ${result.exitCode}`
  throw new Error(`test/python/${name}.py ${how}:\n${result.stderr || result.stdout}`)
}

/** The path of a program that one of those packages brings. */
export function pythonProgram(name: string): string {
  return join(packagesFolder(), 'bin', name)
}

function packagesFolder(): string {
  const folder = process.env.KAPPA_PYTHON_PACKAGES_FOLDER
  if (folder !== undefined) return folder
  throw new Error('KAPPA_PYTHON_PACKAGES_FOLDER is not set. Run: npm test -- <file>')
}
