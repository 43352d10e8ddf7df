import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { accepts, freePorts } from '@kappa/processes/ports'
import { sparkConnectArguments } from '@kappa/replay/launchers/spark-command'
import { step } from '../setup/progress.mjs'
import type { Components } from './components.ts'
import { LocalError } from './local-error.ts'
import { trainSpark } from './spark-training.ts'
import { waitFor } from './wait.ts'

const VERSION_TIMEOUT_MS = 20_000
const START_TIMEOUT_MS = 120_000
const DUMP_TIMEOUT_MS = 120_000

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

async function runOnce(components: Components, folder: string, archive: string): Promise<void> {
  const [port] = (await freePorts([0])) as [number]
  const token = randomBytes(32).toString('base64url')
  const propertiesFile = join(folder, 'spark.properties')
  writeFileSync(
    propertiesFile,
    `spark.master local[2]
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.ui.enabled false
spark.local.dir ${folder}
spark.connect.grpc.binding.address 127.0.0.1
spark.connect.grpc.binding.port ${port}
spark.connect.authenticate.token ${token}
spark.sql.shuffle.partitions 1
spark.sql.streaming.stateStore.providerClass org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider
spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled true
`,
    { mode: 0o600 },
  )
  const args = sparkConnectArguments({
    jarsFolder: components.sparkJarsFolder,
    propertiesFile,
    memory: '1g',
    temporaryFolder: folder,
  })
  const child = spawn(components.java, [`-XX:ArchiveClassesAtExit=${archive}`, ...args], {
    stdio: 'ignore',
    cwd: folder,
  })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended = signal ?? `code ${code}`
  })
  try {
    await waitFor(
      'Spark Connect',
      async () => (ended === undefined ? accepts(port) : Promise.resolve(true)),
      { timeoutMs: START_TIMEOUT_MS },
    )
    if (ended !== undefined) throw new LocalError(`Spark ended with ${ended} on its way up.`)
    await trainSpark(`127.0.0.1:${port}`, token, folder)
    child.kill('SIGTERM')
    await waitFor("Spark's end", async () => ended, { timeoutMs: DUMP_TIMEOUT_MS })
    if (!existsSync(archive)) throw new LocalError(`Spark ended with ${ended} and no archive.`)
  } finally {
    kill()
    process.off('exit', kill)
  }
}
