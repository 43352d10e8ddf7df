import { authenticationProblem } from './authentication.ts'
import { KafkaError } from './port.ts'

/** What kafkajs's errors say, without their classes: some are wrapped, some are not. */
export interface ErrorInfo {
  readonly name: string
  /** Kafka's name of a protocol error, for example `NOT_LEADER_FOR_PARTITION`. */
  readonly type?: string
  readonly retriable: boolean
  readonly message: string
}

const FENCED_TYPES = new Set([
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'PRODUCER_FENCED',
  'TRANSACTION_COORDINATOR_FENCED',
])

/** kafkajs 2.2.4 has no names for Kafka's newer codes. */
const UNNAMED_FENCED = /^Unknown error code 90$/

function causeChain(error: unknown): unknown[] {
  const chain: unknown[] = []
  let current = error
  while (current instanceof Error && chain.length < 10) {
    chain.push(current)
    current = current.cause
  }
  return chain
}

export function errorInfo(error: unknown): ErrorInfo {
  const chain = causeChain(error)
  const typed = chain.find((link) => typeof (link as { type?: unknown }).type === 'string')
  const last = (typed ?? chain.at(-1)) as
    | { name: string; type?: string; retriable?: boolean; message: string }
    | undefined
  if (!last) return { name: 'Error', retriable: false, message: String(error) }
  return {
    name: last.name,
    retriable: last.retriable !== false,
    message: last.message,
    ...(last.type === undefined ? {} : { type: last.type }),
  }
}

export function isFenced(error: unknown): boolean {
  const info = errorInfo(error)
  return FENCED_TYPES.has(info.type ?? '') || UNNAMED_FENCED.test(info.message)
}

export function isUnknownTopic(error: unknown): boolean {
  const { type } = errorInfo(error)
  return type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'INVALID_TOPIC_EXCEPTION'
}

/** The broker answered, and the answer was no. */
export function isProtocolError(error: unknown): boolean {
  return errorInfo(error).type !== undefined
}

export function unknownTopic(topic: string, cause?: unknown): KafkaError {
  return new KafkaError(
    'unknown_topic',
    `There is no topic "${topic}". Create it first.`,
    cause === undefined ? {} : { cause },
  )
}

/** A KafkaError for an operation that changed nothing, or whose repetition is harmless. */
export function toKafkaError(error: unknown, what: string): KafkaError {
  if (error instanceof KafkaError) return error
  const distrust = authenticationProblem(error)
  if (distrust !== undefined) {
    return new KafkaError('authentication_failed', `${what}: ${distrust}`, { cause: error })
  }
  const info = errorInfo(error)
  if (isFenced(error)) {
    return new KafkaError('fenced', `${what}: a newer producer has the transactional id`, {
      cause: error,
    })
  }
  if (isUnknownTopic(error)) {
    return new KafkaError('unknown_topic', `${what}: ${info.message}`, { cause: error })
  }
  return new KafkaError('unavailable', `${what}: ${info.message}`, { cause: error })
}
