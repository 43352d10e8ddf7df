import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepts, freePorts } from '@kappa/processes/ports'
import { type Child, startChild } from './child.ts'
import type { ComponentContext } from './component.ts'
import { formatKafkaStorage, javaArguments } from './kafka-command.ts'

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

export interface RunningKafka {
  readonly child: Child
  /** `host:port` */
  readonly brokers: string
}

/** Starts one KRaft node, broker and controller in one process, on loopback. */
export async function startKafka(
  options: KafkaOptions,
  context: ComponentContext,
): Promise<RunningKafka> {
  const [port, controllerPort] = (await freePorts([options.port, 0])) as [number, number]
  mkdirSync(context.dataFolder, { recursive: true, mode: 0o700 })
  mkdirSync(context.configFolder, { recursive: true, mode: 0o700 })
  const configFile = join(context.configFolder, 'kafka.properties')
  const logConfigFile = join(context.configFolder, 'kafka-log4j2.properties')
  writeFileSync(configFile, serverProperties(port, controllerPort, context.dataFolder))
  writeFileSync(logConfigFile, LOG_CONFIGURATION)
  const command = { ...options, logConfigFile }
  if (!existsSync(join(context.dataFolder, 'meta.properties'))) {
    const clusterId = randomBytes(16).toString('base64url')
    await formatKafkaStorage(command, configFile, clusterId, context.folders.logs)
  }
  const child = await startChild(
    {
      name: 'kafka',
      command: options.java,
      args: [...javaArguments(command), 'kafka.Kafka', configFile],
      ready: () => accepts(port),
      readyTimeoutMs: READY_TIMEOUT_MS,
      stopTimeoutMs: STOP_TIMEOUT_MS,
    },
    context.folders,
    context.signal,
  )
  return { child, brokers: `127.0.0.1:${port}` }
}

/** https://kafka.apache.org/documentation/#brokerconfigs; one node, so every factor is 1. */
function serverProperties(port: number, controllerPort: number, dataFolder: string): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${dataFolder}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
num.replica.fetchers=1
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=268435456
log.index.size.max.bytes=2097152
message.max.bytes=2097152
`
}

const LOG_CONFIGURATION = `status=error
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d{ISO8601} %-5p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.stdout.ref=stdout
logger.server.name=kafka.server
logger.server.level=info
`
