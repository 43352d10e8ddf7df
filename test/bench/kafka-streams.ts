import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { narrowDelayMs, type StreamSource } from '@kappa/applications/stream-plan'
import { fetchComponents } from '../../infra/setup/fetch.mjs'
import type { Bench } from './bench-stack.ts'

const SOURCES = join(import.meta.dirname, 'kafka-streams')
const COMPILER = 'jdk.compiler'
const COMPILE_TIMEOUT_MS = 120_000
/** As Kafka Streams' own default for exactly_once_v2. */
const COMMIT_INTERVAL_MS = 100

/** The view carrier_hours as a Kafka Streams program with exactly_once_v2 and RocksDB, in a JVM of its own. */
export class KafkaStreamsPeer {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface(child.stdout as Readable)[Symbol.asyncIterator]()
  }

  /** @returns undefined where Java cannot compile: a JRE without a JDK's modules */
  static async start(
    bench: Bench,
    log: { source: StreamSource; events: number; memory: string },
  ): Promise<KafkaStreamsPeer | undefined> {
    const { java, sparkJarsFolder, kafkaBrokers } = bench.stack
    const { stdout: modules } = await promisify(execFile)(java, ['--list-modules'])
    if (!modules.includes(COMPILER)) return undefined
    const { 'kafka-streams': jars } = await fetchComponents(['kafka-streams'])
    const folder = join(bench.folder, 'kafka-streams')
    mkdirSync(folder, { recursive: true })
    const libraries = [...globSync(`${jars}/*.jar`), ...globSync(`${sparkJarsFolder}/avro-1.*.jar`)]
    await promisify(execFile)(
      java,
      [
        ...['--module', `${COMPILER}/com.sun.tools.javac.Main`, '-d', folder],
        ...['-cp', libraries.join(delimiter), ...globSync(`${SOURCES}/*.java`)],
      ],
      { timeout: COMPILE_TIMEOUT_MS },
    )
    const { source, events, memory } = log
    const [version] = source.versions
    if (!version) throw new Error(`The stream ${source.name} has no version.`)
    const settings = {
      brokers: kafkaBrokers,
      topic: source.topic,
      events,
      schema: version.schema,
      schemaId: version.schemaId,
      latenessMs: source.latenessMs,
      earlinessMs: source.earlinessMs,
      watermarkDelayMs: narrowDelayMs(source),
      stateFolder: join(folder, 'state'),
      commitIntervalMs: COMMIT_INTERVAL_MS,
    }
    const classPath = [folder, ...libraries].join(delimiter)
    const child = spawn(
      java,
      [`-Xmx${memory}`, '-XX:+UseParallelGC', '-cp', classPath, 'Peer', JSON.stringify(settings)],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    return new KafkaStreamsPeer(child)
  }

  /**
   * Reads the whole topic and writes its rows to another.
   * @param output a topic, which also names the application: no other run has it
   * @returns milliseconds from the first record to the commit of the last one
   */
  async run(output: string): Promise<number> {
    this.#child.stdin?.write(`${output}\n`)
    const { value } = await this.#lines.next()
    if (value === undefined) throw new Error('The Kafka Streams program has failed; see above.')
    return Number(value)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await exited
  }
}
