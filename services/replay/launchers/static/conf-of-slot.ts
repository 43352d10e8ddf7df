import { ClusterError, type ClusterSpec } from '../launcher.ts'
import type { SlotProcess } from './slot-process.ts'

type Conf = Readonly<Record<string, string>>

const hadoop = 'spark.hadoop.'

/**
 * What a session can be given of a release's configuration: that of SQL, and, under Hadoop's own
 * names, that of the object store, keys included. Anything else holds from Spark's start on.
 */
export function sessionConfOf(sparkConf: Conf): Record<string, string> {
  const entries = Object.entries(sparkConf).flatMap(([key, value]) => {
    if (key.startsWith('spark.sql.')) return [[key, value]]
    return key.startsWith(hadoop) ? [[key.slice(hadoop.length), value]] : []
  })
  return Object.fromEntries(entries)
}

function startConfOf(sparkConf: Conf): [key: string, value: string][] {
  return Object.entries(sparkConf).filter(
    ([key]) => !key.startsWith('spark.sql.') && !key.startsWith(hadoop),
  )
}

/**
 * Holds what Spark in a slot was started with against what a release needs.
 * @throws ClusterError naming everything that is missing, and where it has to be
 */
export async function checkStartConf(
  process: SlotProcess,
  { sparkConf, systemProperties = {} }: ClusterSpec,
): Promise<void> {
  const missing: string[] = []
  for (const [key, value] of startConfOf(sparkConf)) {
    const had = await process.config(key)
    if (had !== value) missing.push(`${key} ${value} (it is ${had ?? 'not set'})`)
  }
  for (const [name, value] of Object.entries(systemProperties)) {
    const had = await process.systemProperty(name)
    const option = `-D${name}=${value}`
    if (had.driver !== value) missing.push(`${option} for the JVM of the driver`)
    if (had.executor !== value) missing.push(`${option} in spark.executor.extraJavaOptions`)
  }
  if (missing.length === 0) return
  const { name, address } = process.slot
  throw new ClusterError(
    `Spark in slot ${name} (${address}) was not started with what this release needs. Missing: ${missing.join('; ')}.`,
  )
}
