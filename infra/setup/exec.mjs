import { spawn } from 'node:child_process'
import { SetupProblem } from './problem.mjs'

const OUTPUT_BYTES_MAX = 64 * 1024
const END_LINES = 10

/**
 * Runs a command to its end. Its output is kept (the last 64 KiB) for the error message.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs: number }} options
 * @returns {Promise<{ code: number | null, output: string }>}
 * @throws {SetupProblem} the command could not be started or did not end in time
 */
export function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(-OUTPUT_BYTES_MAX)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(
        new SetupProblem(
          `${command} ${args[0] ?? ''} did not end within ${options.timeoutMs / 1000} s.\n${tail(output)}`,
        ),
      )
    }, options.timeoutMs)
    child.once('error', (cause) => {
      clearTimeout(timer)
      reject(new SetupProblem(`${command} could not be started: ${cause.message}`, { cause }))
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}

/**
 * Runs a command that must succeed.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs: number, purpose: string }} options
 * @throws {SetupProblem} with the ends of the command's output
 */
export async function runOrFail(command, args, options) {
  const { code, output } = await run(command, args, options)
  if (code === 0) return output
  throw new SetupProblem(
    `${options.purpose} failed: ${command} ended with code ${code}. It said:\n${ends(output)}`,
  )
}

/**
 * The first lines and the last: npm says the reason first, Maven and pip say it last.
 *
 * @param {string} output
 */
function ends(output) {
  const lines = output.trimEnd().split('\n')
  if (lines.length <= 2 * END_LINES) return tail(output)
  const shown = [...lines.slice(0, END_LINES), '…', ...lines.slice(-END_LINES)]
  return shown.map((line) => `    ${line}`).join('\n')
}

/** @param {string} output */
function tail(output) {
  return output
    .trimEnd()
    .split('\n')
    .slice(-15)
    .map((line) => `    ${line}`)
    .join('\n')
}
