/**
 * `node write-java-arguments.ts <jars folder> <folder>`: writes what JVMs of the Spark image are
 * started with (`java @file`): `java.args` for all of them, and `standalone.args` for drivers whose
 * executors are started by a worker.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sparkJvmOptions } from '../../../services/replay/launchers/spark-command.ts'

const [jarsFolder, folder] = process.argv.slice(2)
if (jarsFolder === undefined || folder === undefined) {
  throw new Error('Which folder has the jars, and which folder gets the files?')
}
// Each jar by name and in one order: an archive of classes is valid for the class path that it was
// made with, and `*` stands for another order on every file system.
const jars = readdirSync(jarsFolder)
  .filter((name) => name.endsWith('.jar'))
  .sort()
  .map((name) => join(jarsFolder, name))
// What a derived image adds comes last, and leaves the archive valid.
const classPath = [...jars, '/opt/spark/extra-jars/*'].join(':')

const java = [
  ...sparkJvmOptions({
    temporaryFolder: '/tmp',
    logConfigurationFile: '/opt/spark/spark-log4j2.properties',
    systemProperties: { 'user.home': '/tmp' },
  }),
  '-cp',
  classPath,
]
const executor = [
  '-XX:SharedArchiveFile=/opt/spark/kappa.jsa',
  '-Xshare:auto',
  '-XX:+ExitOnOutOfMemoryError',
  '-Dlog4j2.configurationFile=/opt/spark/spark-log4j2.properties',
]
// A worker puts this in front of its own class path, which the archive would not be valid for.
const standalone = [
  `-Dspark.executor.extraClassPath=${classPath}`,
  `-Dspark.executor.defaultJavaOptions=${executor.join(' ')}`,
]
write('java.args', java)
write('standalone.args', standalone)

function write(name: string, args: readonly string[]): void {
  writeFileSync(
    join(folder as string, name),
    args.map((arg) => `${JSON.stringify(arg)}\n`).join(''),
  )
}
