/**
 * `node train.ts <archive>`: runs in the Spark image while it is built, and has it write the archive
 * of classes that shortens its starts. Valid for these jars in these places and this JVM only.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SparkCommand, writeSparkArchive } from '../../local/spark-archive.ts'

const archive = process.argv[2]
if (archive === undefined) throw new Error('Which file becomes the archive?')
const folder = mkdtempSync(join(tmpdir(), 'kappa-archive-'))
try {
  const entrypoint = (propertiesFile: string): SparkCommand => ({
    command: '/opt/spark/entrypoint.sh',
    args: ['driver'],
    env: {
      SPARK_PROPERTIES_FILE: propertiesFile,
      SPARK_DRIVER_JAVA_OPTIONS: `-XX:ArchiveClassesAtExit=${archive}`,
    },
  })
  await writeSparkArchive(archive, folder, entrypoint, { 'spark.ui.port': '0' })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
