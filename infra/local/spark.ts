import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Components } from './components.ts'

const VERSION_TIMEOUT_MS = 20_000

/**
 * Where the AppCDS archive for these jars and this Java is: beside the jars in the user's cache.
 * The JVM refuses an archive of another build, so the build is part of the name.
 */
export async function sparkArchiveFile(components: Components): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(components.java, ['-version'], {
    timeout: VERSION_TIMEOUT_MS,
  })
  const build = createHash('sha256')
    .update(stdout + stderr)
    .digest('hex')
    .slice(0, 8)
  const jars = components.sparkJarsFolder
  return join(dirname(jars), `${basename(jars)}-java-${build}.jsa`)
}

export async function ensureSparkArchive(stack: { components: Components }): Promise<string> {
  return sparkArchiveFile(stack.components)
}
