/**
 * `npm test [-- <file or part of a path> ...]`: starts Kafka, the object store and Redis once, on
 * free ports and in a folder of their own, runs every test against them, and removes all.
 * `--name=<part of a test's name>` runs only those.
 * `npm run test:faults` runs the long fault runs (`*.faults.ts`) instead.
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

const TEST_TIMEOUT_MS = { test: 10 * 60_000, faults: 120 * 60_000 }
const FILES_AT_ONCE_MAX = 2

const root = join(import.meta.dirname, '..')
const FAULTS = '--faults'
const kind = process.argv.includes(FAULTS) ? 'faults' : 'test'
const NAME = '--name='
const given = process.argv.slice(2)
const names = given.filter((text) => text.startsWith(NAME)).map((text) => text.slice(NAME.length))
const wanted = given.filter((text) => text !== FAULTS && !text.startsWith(NAME))

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
  stack = await startStack({ stateFolder, signal: interrupted.signal })
  const sparkArchiveFile = await ensureSparkArchive(stack.components)
  process.env.KAPPA_TEST_STACK = JSON.stringify({
    ...stack.connection,
    sparkJarsFolder: stack.components.sparkJarsFolder,
    kafkaJarsFolder: stack.components.kafkaJarsFolder,
    sparkArchiveFile,
    java: stack.components.java,
    stateFolder,
  } satisfies TestStack)
  // A stack that dies under the tests would show as hundreds of unrelated failures.
  stack.failed.catch((error: Error) => interrupted.abort(error))
  await runTests()
  if (interrupted.signal.aborted) throw interrupted.signal.reason
} catch (error) {
  console.error(`\n${(error as Error).message}`)
  process.exitCode = 1
} finally {
  await stack?.stop()
  rmSync(stateFolder, { recursive: true, force: true })
}

function findTests(): string[] {
  const all = globSync(`**/test/**/*.${kind}.ts`, {
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
    concurrency: FILES_AT_ONCE_MAX,
    timeout: TEST_TIMEOUT_MS[kind],
    signal: interrupted.signal,
    ...(names.length > 0 ? { testNamePatterns: names } : {}),
  })
  stream.on('test:fail', ({ name, details }) => {
    process.exitCode = 1
    // The report tells at its end; of a run that takes an hour one wants to know at once.
    if (kind === 'faults') console.error(`  ${name}: ${reasonOf(details.error)}`)
  })
  const reporter = new spec()
  reporter.pipe(process.stdout)
  await pipeline(stream, reporter)
}
