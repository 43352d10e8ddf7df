/**
 * `npm test [-- <file or part of a path> ...]`: starts Kafka, the object store and Redis once, on
 * free ports and in a folder of their own, runs every test against them, and removes all.
 * `--name=<part of a test's name>` runs only those.
 * `npm run test:faults` runs the long fault runs (`*.faults.ts`) instead; `npm run test:kubernetes`
 * and `npm run test:compose` those that bring up everything in containers, and need no stack here.
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { ensureSparkArchive } from '@kappa/local/spark'
import { type Stack, startStack } from '@kappa/local/stack'
import type { TestStack } from './stack.ts'

/** A sort of tests is what the files are named: `*.<sort>.ts`. */
interface Sort {
  readonly timeoutMs: number
  readonly filesAtOnceMax: number
  readonly needsStack: boolean
}

const MINUTE_MS = 60_000
const sorts = {
  test: { timeoutMs: 10 * MINUTE_MS, filesAtOnceMax: 2, needsStack: true },
  faults: { timeoutMs: 120 * MINUTE_MS, filesAtOnceMax: 2, needsStack: true },
  kubernetes: { timeoutMs: 60 * MINUTE_MS, filesAtOnceMax: 1, needsStack: false },
  compose: { timeoutMs: 60 * MINUTE_MS, filesAtOnceMax: 1, needsStack: false },
} as const satisfies Record<string, Sort>

const root = join(import.meta.dirname, '..')
const NAME = '--name='
const given = process.argv.slice(2)
const sort =
  (['faults', 'kubernetes', 'compose'] as const).find((name) => given.includes(`--${name}`)) ??
  'test'
const { timeoutMs, filesAtOnceMax, needsStack }: Sort = sorts[sort]
const names = given.filter((text) => text.startsWith(NAME)).map((text) => text.slice(NAME.length))
const wanted = given.filter((text) => !text.startsWith('--'))

const files = findTests()
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(' or ')}.`)
  process.exit(1)
}
const stateFolder = mkdtempSync(join(tmpdir(), 'kappa-test-'))
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`Interrupted by ${signal}.`)))
}
let stack: Stack | undefined
try {
  if (needsStack) stack = await startTestStack()
  await runTests()
  if (interrupted.signal.aborted) throw interrupted.signal.reason
} catch (error) {
  console.error(`\n${(error as Error).message}`)
  process.exitCode = 1
} finally {
  await stack?.stop()
  rmSync(stateFolder, { recursive: true, force: true })
}

async function startTestStack(): Promise<Stack> {
  const started = await startStack({ stateFolder, signal: interrupted.signal })
  try {
    const sparkArchiveFile = await ensureSparkArchive(started.components)
    process.env.KAPPA_TEST_STACK = JSON.stringify({
      ...started.connection,
      sparkJarsFolder: started.components.sparkJarsFolder,
      kafkaJarsFolder: started.components.kafkaJarsFolder,
      sparkArchiveFile,
      java: started.components.java,
      stateFolder,
    } satisfies TestStack)
    // A stack that dies under the tests would show as hundreds of unrelated failures.
    started.failed.catch((error: Error) => interrupted.abort(error))
    return started
  } catch (error) {
    await started.stop()
    throw error
  }
}

function findTests(): string[] {
  const all = globSync(`**/test/**/*.${sort}.ts`, {
    cwd: root,
    exclude: (name) => name === 'node_modules' || name === '.kappa',
  })
  return all
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .map((file) => join(root, file))
    .sort()
}

function reasonOf({ cause, message }: Error): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? message)
}

async function runTests(): Promise<void> {
  const stream = run({
    files,
    concurrency: filesAtOnceMax,
    timeout: timeoutMs,
    signal: interrupted.signal,
    ...(names.length > 0 ? { testNamePatterns: names } : {}),
  })
  stream.on('test:fail', ({ name, details }) => {
    process.exitCode = 1
    // The report tells at its end; of a run that takes an hour one wants to know at once.
    if (sort !== 'test') console.error(`  ${name}: ${reasonOf(details.error)}`)
  })
  const reporter = new spec()
  reporter.pipe(process.stdout)
  await pipeline(stream, reporter)
}
