import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildPromtool } from '../../setup/promtool.mjs'

const folder = join(import.meta.dirname, '..')
const timeout = 120_000

/** Runs promtool in infra/observability. @throws Error with what it says is wrong */
export type Promtool = (...args: string[]) => Promise<string>

/** undefined on a machine without Go. */
export async function findPromtool(): Promise<Promtool | undefined> {
  const binary = await buildPromtool()
  if (binary === undefined) return undefined
  return async (...args) => {
    const { stdout, stderr } = await promisify(execFile)(binary, args, { cwd: folder, timeout })
    return stdout + stderr
  }
}
