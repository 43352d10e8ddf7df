import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Components } from '@kappa/local/components'

/** Kafka's own `kafka-producer-perf-test`; runs on the broker's jars. 4.4.0 is not on every mirror. */
const VERSION = '4.3.1'
const SHA256 = '62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c'
const MAVEN_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin'
const FETCH_TIMEOUT_MS = 120_000
const RUN_TIMEOUT_MS = 600_000
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024

export interface PerfRun {
  readonly topic: string
  readonly brokers: string
  readonly records: number
  readonly warmUpRecords: number
  readonly recordBytes: number
}

/**
 * Records per second of `org.apache.kafka.tools.ProducerPerformance` with acks=all and its
 * defaults for the rest.
 * @throws Error when it fails or prints no figure, with its output
 */
export async function runPerfProducer(components: Components, run: PerfRun): Promise<number> {
  const jar = await fetchToolsJar(components)
  const { stdout } = await promisify(execFile)(
    components.java,
    [
      '-Xmx512m',
      '-cp',
      `${jar}:${join(components.kafkaJarsFolder, '*')}`,
      'org.apache.kafka.tools.ProducerPerformance',
      ...['--bootstrap-server', run.brokers, '--topic', run.topic, '--throughput', '-1'],
      ...['--num-records', String(run.records), '--warmup-records', String(run.warmUpRecords)],
      ...['--record-size', String(run.recordBytes), '--command-property', 'acks=all'],
    ],
    { timeout: RUN_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX },
  )
  const found = stdout.trimEnd().split('\n').at(-1)
  const perSecond = /([\d.]+) records\/sec/.exec(found ?? '')?.[1]
  if (perSecond === undefined) throw new Error(`ProducerPerformance gave no figure:\n${stdout}`)
  return Number(perSecond)
}

/** Beside the other jars in the user's cache; checked each time. */
async function fetchToolsJar({ kafkaJarsFolder }: Components): Promise<string> {
  const folder = join(dirname(kafkaJarsFolder), `kafka-tools-${VERSION}`)
  const jar = join(folder, `kafka-tools-${VERSION}.jar`)
  if (!existsSync(jar)) {
    mkdirSync(folder, { recursive: true })
    const versions = JSON.parse(
      readFileSync(new URL('../../infra/versions.json', import.meta.url), 'utf8'),
    )
    await promisify(execFile)(
      'mvn',
      [
        ...['--batch-mode', '--quiet', `${MAVEN_PLUGIN}:${versions.mavenDependencyPlugin}:copy`],
        ...[`-Dartifact=org.apache.kafka:kafka-tools:${VERSION}`, `-DoutputDirectory=${folder}`],
      ],
      { timeout: FETCH_TIMEOUT_MS },
    )
  }
  const sha256 = createHash('sha256').update(readFileSync(jar)).digest('hex')
  if (sha256 !== SHA256) {
    throw new Error(
      `${jar} has the SHA-256 ${sha256}, expected ${SHA256}: remove it and try again.`,
    )
  }
  return jar
}
