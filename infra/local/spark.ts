import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { sparkConnectArguments } from '@kappa/replay/launchers/spark-command'
import { step } from '../setup/progress.mjs'
import type { Components } from './components.ts'
import { writeSparkArchive } from './spark-archive.ts'

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
  return join(dirname(jars), `${basename(jars)}-java-${build}-trained.jsa`)
}

/**
 * Makes the archive unless it is there: runs a Spark Connect server with a training query once and
 * has the JVM write down the classes that it loaded, which shortens every later start.
 *
 * @throws LocalError Spark did not start or wrote no archive
 */
export async function ensureSparkArchive(components: Components): Promise<string> {
  const archiveFile = await sparkArchiveFile(components)
  if (existsSync(archiveFile)) return archiveFile
  const folder = mkdtempSync(join(tmpdir(), 'kappa-archive-'))
  const unfinished = `${archiveFile}.${process.pid}`
  try {
    await step('Preparing fast starts of Spark (once for this machine)', () =>
      runOnce(components, folder, unfinished),
    )
    renameSync(unfinished, archiveFile)
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(unfinished, { force: true })
  }
  return archiveFile
}

function runOnce(components: Components, folder: string, archive: string): Promise<void> {
  return writeSparkArchive(archive, folder, (propertiesFile) => ({
    command: components.java,
    args: [
      `-XX:ArchiveClassesAtExit=${archive}`,
      ...sparkConnectArguments({
        jarsFolder: components.sparkJarsFolder,
        propertiesFile,
        memory: '1g',
        temporaryFolder: folder,
      }),
    ],
  }))
}
