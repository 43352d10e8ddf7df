import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LocalError } from './local-error.ts'

const FORMAT_TIMEOUT_MS = 60_000
const OUTPUT_BYTES_MAX = 1024 * 1024

export interface KafkaCommand {
  readonly java: string
  readonly jarsFolder: string
  readonly heap: string
  readonly logConfigFile: string
}

/** JVM options for a small, mostly idle broker: one heap region set, no parallel collectors. */
export function javaArguments(command: KafkaCommand): string[] {
  return [
    `-Xmx${command.heap}`,
    '-Xms64m',
    '-Xss512k',
    '-XX:+UseSerialGC',
    '-XX:MaxDirectMemorySize=64m',
    '-XX:ReservedCodeCacheSize=64m',
    '-XX:MaxMetaspaceSize=128m',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${command.logConfigFile}`,
    '-cp',
    join(command.jarsFolder, '*'),
  ]
}

/** Prepares empty log folders for a new cluster, as `kafka-storage.sh format` does. */
export async function formatKafkaStorage(
  command: KafkaCommand,
  configFile: string,
  clusterId: string,
  logFolder: string,
): Promise<void> {
  const args = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', configFile]
  try {
    const { stdout, stderr } = await promisify(execFile)(
      command.java,
      ['-XX:TieredStopAtLevel=1', ...javaArguments(command), ...args],
      { timeout: FORMAT_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX },
    )
    mkdirSync(logFolder, { recursive: true, mode: 0o700 })
    writeFileSync(join(logFolder, 'kafka-format.log'), stdout + stderr)
  } catch (cause) {
    throw new LocalError(`Kafka's storage could not be formatted: ${(cause as Error).message}`, {
      cause,
    })
  }
}
