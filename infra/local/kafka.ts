import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepts, freePorts } from '@kappa/processes/ports'
import { type Child, startChild } from './child.ts'
import type { ComponentContext } from './component.ts'
import { formatKafkaStorage, javaArguments } from './kafka-command.ts'
import { KAFKA_LOG_CONFIGURATION, type KafkaNode, kafkaProperties } from './kafka-properties.ts'

const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 20_000

export interface KafkaOptions {
  readonly java: string
  readonly jarsFolder: string
  /** The wish for the broker's port; 0 for any. */
  readonly port: number
  /** JVM heap, for example `384m`. */
  readonly heap: string
}

export interface KafkaNodeOptions extends Omit<KafkaOptions, 'port'> {
  /** Of its process, its log and its configuration. */
  readonly name: string
  /** The same for every node of a cluster. */
  readonly clusterId: string
  readonly node: Omit<KafkaNode, 'dataFolder'>
  /** For the JVM, for example `-Dname=value`. */
  readonly javaOptions?: readonly string[]
  /** For `kafka-storage format`, for example `--add-scram`. */
  readonly formatOptions?: readonly string[]
}

export interface RunningKafka {
  readonly child: Child
  /** `host:port` */
  readonly brokers: string
}

/** Starts a cluster of one KRaft node on loopback. */
export async function startKafka(
  options: KafkaOptions,
  context: ComponentContext,
): Promise<RunningKafka> {
  const [brokerPort, controllerPort] = (await freePorts([options.port, 0])) as [number, number]
  const { java, jarsFolder, heap } = options
  return startKafkaNode(
    {
      java,
      jarsFolder,
      heap,
      name: 'kafka',
      clusterId: newClusterId(),
      node: {
        id: 1,
        brokerPort,
        controllerPort,
        voters: [`1@127.0.0.1:${controllerPort}`],
        replication: { factor: 1, inSyncMin: 1 },
      },
    },
    context,
  )
}

export function newClusterId(): string {
  const bytes = randomBytes(16)
  // Its first character is a letter then: one that begins with a dash is taken for an option.
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0)
  return bytes.toString('base64url')
}

/** Starts a node with the data of its last run, or, when there are none, as a new one. */
export async function startKafkaNode(
  options: KafkaNodeOptions,
  context: ComponentContext,
): Promise<RunningKafka> {
  const { dataFolder, configFolder, folders } = context
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  mkdirSync(configFolder, { recursive: true, mode: 0o700 })
  const configFile = join(configFolder, `${options.name}.properties`)
  const logConfigFile = join(configFolder, `${options.name}-log4j2.properties`)
  writeFileSync(configFile, kafkaProperties({ ...options.node, dataFolder }), { mode: 0o600 })
  writeFileSync(logConfigFile, KAFKA_LOG_CONFIGURATION)
  const command = { ...options, logConfigFile }
  if (!existsSync(join(dataFolder, 'meta.properties'))) {
    await formatKafkaStorage(command, configFile, options.clusterId, {
      logFile: join(folders.logs, `${options.name}-format.log`),
      ...(options.formatOptions && { formatOptions: options.formatOptions }),
    })
  }
  const { brokerPort } = options.node
  const child = await startChild(
    {
      name: options.name,
      command: options.java,
      args: [...(options.javaOptions ?? []), ...javaArguments(command), 'kafka.Kafka', configFile],
      ready: () => accepts(brokerPort),
      readyTimeoutMs: READY_TIMEOUT_MS,
      stopTimeoutMs: STOP_TIMEOUT_MS,
    },
    folders,
    context.signal,
  )
  return { child, brokers: `127.0.0.1:${brokerPort}` }
}
