import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepts, freePorts } from '@kappa/processes/ports'
import { LocalError } from './local-error.ts'
import { trainSpark } from './spark-training.ts'
import { waitFor } from './wait.ts'

const START_TIMEOUT_MS = 300_000
const DUMP_TIMEOUT_MS = 300_000

export interface SparkCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const noUi = { 'spark.ui.enabled': 'false' }

/**
 * Runs a Spark Connect server with a training query once and waits until its JVM, which must have
 * been told `-XX:ArchiveClassesAtExit`, has written down the classes that it loaded.
 *
 * @param folder for Spark's files meanwhile
 * @param properties of Spark, on top of those of the training
 * @param commandFor what starts the server with a file of properties
 * @throws LocalError Spark did not start or wrote no archive
 */
export async function writeSparkArchive(
  archive: string,
  folder: string,
  commandFor: (propertiesFile: string) => SparkCommand,
  properties: Readonly<Record<string, string>> = noUi,
): Promise<void> {
  const [port] = (await freePorts([0])) as [number]
  const token = randomBytes(32).toString('base64url')
  const lines = Object.entries(properties).map(([name, value]) => `${name} ${value}`)
  const propertiesFile = join(folder, 'spark.properties')
  writeFileSync(
    propertiesFile,
    `spark.master local[2]
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.local.dir ${folder}
spark.connect.grpc.binding.address 127.0.0.1
spark.connect.grpc.binding.port ${port}
spark.connect.authenticate.token ${token}
spark.sql.shuffle.partitions 1
spark.sql.streaming.stateStore.providerClass org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider
spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled true
${lines.join('\n')}
`,
    { mode: 0o600 },
  )
  const { command, args, env } = commandFor(propertiesFile)
  const child = spawn(command, args, {
    stdio: 'ignore',
    cwd: folder,
    env: { ...process.env, ...env },
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
