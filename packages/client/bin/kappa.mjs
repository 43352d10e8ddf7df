#!/usr/bin/env node
/**
 * Starts the command with the Node.js that the repository pins when the one that runs this cannot
 * run TypeScript. Plain JavaScript, because it starts on whatever Node.js there is.
 */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))

if (process.features.typescript) {
  const { runProcess } = await import('../src/cli/main.ts')
  await runProcess()
} else {
  const packageFile = createRequire(import.meta.url).resolve('node/package.json')
  const node = join(dirname(packageFile), 'bin', 'node')
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C reaches the child by itself; this process only waits for how it ends.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => signal === 'SIGTERM' && child.kill(signal))
  }
  child.once('error', (error) => {
    console.error(`kappa could not be started with ${node}: ${error.message}`)
    process.exitCode = 1
  })
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
  })
}
