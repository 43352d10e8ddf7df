import { randomUUID } from 'node:crypto'
import type {
  IncomingRecord,
  Kafka,
  KafkaConfig,
  KafkaError,
  OutgoingRecord,
  Placement,
} from '@kappa/kafka/port'
import { ResponseDroppingProxy } from '@kappa/test/faults/response-dropping-proxy'

/** What the suite needs of an implementation: how to connect, and a real broker's address. */
export interface Harness {
  readonly brokers: readonly string[]
  connect(config: KafkaConfig): Promise<Kafka>
  /** Another library, which says what is in the log. */
  connectAuditor(config: KafkaConfig): Promise<Kafka>
}

export function configFor(
  brokers: readonly string[],
  overrides: Partial<KafkaConfig> = {},
): KafkaConfig {
  return {
    brokers,
    clientId: 'conformance',
    requestTimeoutMs: 5_000,
    connectTimeoutMs: 2_000,
    ...overrides,
  }
}

export async function withKafka<T>(
  harness: Harness,
  use: (kafka: Kafka) => Promise<T>,
  overrides: Partial<KafkaConfig> = {},
): Promise<T> {
  const kafka = await harness.connect(configFor(harness.brokers, overrides))
  try {
    return await use(kafka)
  } finally {
    await kafka.close()
  }
}

/** Connects through a proxy that can lose the answers of the first broker. */
export async function withProxiedKafka(
  harness: Harness,
  use: (kafka: Kafka, proxy: ResponseDroppingProxy) => Promise<void>,
  overrides: Partial<KafkaConfig> = {},
): Promise<void> {
  const proxy = await ResponseDroppingProxy.start(harness.brokers[0] as string)
  try {
    await withKafka(harness, (kafka) => use(kafka, proxy), {
      ...overrides,
      brokers: [proxy.address],
    })
  } finally {
    await proxy.stop()
  }
}

export function uniqueName(what: string): string {
  return `conformance-${what}-${randomUUID()}`
}

export async function newTopic(
  kafka: Kafka,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<string> {
  const topic = uniqueName('topic')
  await kafka.admin.createTopics([{ topic, partitions, config }], 10_000)
  return topic
}

export async function readAll(kafka: Kafka, topic: string): Promise<IncomingRecord[]> {
  const records: IncomingRecord[] = []
  for await (const record of kafka.readToEnd(topic)) records.push(record)
  return records
}

/** What the log holds, past any proxy and as another library reads it. */
export async function audit(harness: Harness, topic: string): Promise<IncomingRecord[]> {
  const auditor = await harness.connectAuditor(configFor(harness.brokers))
  try {
    return await readAll(auditor, topic)
  } finally {
    await auditor.close()
  }
}

/** A record and the place that it was acknowledged with. */
export const placed = (value: unknown, { partition, offset }: Placement): string =>
  `${value} at ${partition}/${offset}`

export function textRecord(key: string | null, value: string | null): OutgoingRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  }
}

export function hasCode(...codes: KafkaError['code'][]) {
  return (error: unknown): boolean => codes.includes((error as KafkaError).code)
}

/** The promise's value, or a failed test after `ms`. */
export async function soon<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
