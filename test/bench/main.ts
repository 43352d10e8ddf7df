/** `npm run bench [-- options]`: one table of what Kappa does, beside its peers of the same run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readComponents } from '@kappa/local/components'
import type { Stack } from '@kappa/local/stack'
import { step } from '../../infra/setup/progress.mjs'
import { endServices } from './end-children.ts'
import { type Figure, formatTable } from './figures.ts'
import { describeMachine } from './machine.ts'
import { type BenchOptions, readOptions } from './options.ts'
import { runParts } from './parts.ts'

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`Interrupted by ${signal}.`)))
}

const folder = mkdtempSync(join(tmpdir(), 'kappa-bench-'))
const stacks: Stack[] = []
try {
  const options = readOptions(process.argv.slice(2))
  const aborted = new Promise<never>((_resolve, reject) => {
    interrupted.signal.addEventListener('abort', () => reject(interrupted.signal.reason))
  })
  await Promise.race([run(options), aborted])
} catch (error) {
  console.error(`\n${(error as Error).message}`)
  process.exitCode = 1
} finally {
  await step('Stopping', async () => {
    await endServices()
    await Promise.all(stacks.map((stack) => stack.stop()))
    rmSync(folder, { recursive: true, force: true })
  })
  process.exit()
}

async function run(options: BenchOptions): Promise<void> {
  const machine = await describeMachine(readComponents())
  const figures: Figure[] = []
  await runParts(options, {
    folder,
    signal: interrupted.signal,
    onStack(stack) {
      stacks.push(stack)
      stack.failed.catch((error: Error) => interrupted.abort(error))
    },
    onFigures(more) {
      figures.push(...more)
    },
  })
  for (const [name, value] of Object.entries(machine)) console.log(`${name}: ${value}`)
  console.log(`\n${formatTable(figures)}`)
  if (options.json !== undefined) {
    const sizes = { ...options, parts: [...options.parts] }
    writeFileSync(
      options.json,
      `${JSON.stringify({ machine, options: sizes, figures }, null, 2)}\n`,
    )
  }
}
