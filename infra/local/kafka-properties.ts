/** One KRaft node, broker and controller in one process, on loopback. */
export interface KafkaNode {
  readonly id: number
  readonly brokerPort: number
  readonly controllerPort: number
  /** `id@host:port` of every controller, this one included. */
  readonly voters: readonly string[]
  readonly dataFolder: string
  /** Copies of each partition, and how many of them an acknowledged record is in at least. */
  readonly replication: { readonly factor: number; readonly inSyncMin: number }
  /** On top of the others, instead of those with the same name. */
  readonly properties?: Readonly<Record<string, string>>
}

/** https://kafka.apache.org/documentation/#brokerconfigs */
export function kafkaProperties(node: KafkaNode): string {
  const factor = String(node.replication.factor)
  const inSyncMin = String(node.replication.inSyncMin)
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': node.voters.join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `BROKER://127.0.0.1:${node.brokerPort},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `BROKER://127.0.0.1:${node.brokerPort}`,
    'inter.broker.listener.name': 'BROKER',
    'listener.security.protocol.map': 'BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': node.dataFolder,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': factor,
    'min.insync.replicas': inSyncMin,
    'offsets.topic.replication.factor': factor,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': inSyncMin,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': inSyncMin,
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'num.replica.fetchers': '1',
    'log.cleaner.threads': '1',
    'log.cleaner.dedupe.buffer.size': '16777216',
    'log.segment.bytes': '268435456',
    'log.index.size.max.bytes': '2097152',
    'message.max.bytes': '2097152',
    ...node.properties,
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('')
}

/** For Log4j, to standard output. */
export const KAFKA_LOG_CONFIGURATION = `status=error
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d{ISO8601} %-5p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.stdout.ref=stdout
logger.server.name=kafka.server
logger.server.level=info
`
