import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const timeoutMs = 15 * 60_000
const outputBytesMax = 64 * 1_024 * 1_024

/** Runs Helm against the current context. @throws Error with what it said */
export async function helm(...args: readonly string[]): Promise<string> {
  const command = process.env.KAPPA_HELM ?? 'helm'
  const options = { timeout: timeoutMs, maxBuffer: outputBytesMax }
  const { stdout } = await promisify(execFile)(command, [...args], options)
  return stdout
}
