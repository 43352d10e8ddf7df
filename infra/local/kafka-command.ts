import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
  { logFile, formatOptions = [] }: { logFile: string; formatOptions?: readonly string[] },
): Promise<void> {
  const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', configFile]
  const args = [...tool, ...formatOptions]
  try {
    const { stdout, stderr } = await promisify(execFile)(
      command.java,
      ['-XX:TieredStopAtLevel=1', ...javaArguments(command), ...args],
      { timeout: FORMAT_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX },
    )
    mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
    writeFileSync(logFile, stdout + stderr)
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string }
    throw new LocalError(`Kafka's storage could not be formatted: ${stderr || message}`, { cause })
  }
}
