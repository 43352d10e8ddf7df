/**
 * `node write-java-arguments.ts <jars folder>`: prints the file that every JVM of the Spark image
 * is started with (`java @file`), the class path included.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sparkJvmOptions } from '../../../services/replay/launchers/spark-command.ts'

const jarsFolder = process.argv[2]
if (jarsFolder === undefined) throw new Error('Which folder has the jars?')
// Each jar by name and in one order: an archive of classes is valid for the class path that it was
// made with, and `*` stands for another order on every file system.
const jars = readdirSync(jarsFolder)
  .filter((name) => name.endsWith('.jar'))
  .sort()
  .map((name) => join(jarsFolder, name))
const options = [
  ...sparkJvmOptions({
    temporaryFolder: '/tmp',
    logConfigurationFile: '/opt/spark/spark-log4j2.properties',
  }),
  '-Duser.home=/tmp',
  '-cp',
  // What a derived image adds comes last, and leaves the archive valid.
  [...jars, '/opt/spark/extra-jars/*'].join(':'),
]
for (const option of options) console.log(JSON.stringify(option))
