import {
  type KafkaConfig as KafkaJsConfig,
  type LogEntry,
  type logCreator,
  logLevel,
} from 'kafkajs'
import type { KafkaConfig } from '../port.ts'
import { kafkaJsSecurity } from './security.ts'
import type { TrackedSockets } from './sockets.ts'

/** Longest wait for an orderly disconnect before the sockets are destroyed. */
export const DISCONNECT_MS_MAX = 2_000

const LEVELS = new Map<logLevel, 'error' | 'warn' | 'info' | 'debug'>([
  [logLevel.ERROR, 'error'],
  [logLevel.WARN, 'warn'],
  [logLevel.INFO, 'info'],
  [logLevel.DEBUG, 'debug'],
])

export const LOG_LEVEL = logLevel.INFO

/** What every client of kafkajs is made with; `tap` sees the entries of its log. */
export function clientSettings(
  config: KafkaConfig,
  sockets: TrackedSockets,
  tap?: (entry: LogEntry) => void,
): KafkaJsConfig {
  const { ssl, sasl, reauthenticationThreshold } = kafkaJsSecurity(config)
  return {
    brokers: [...config.brokers],
    clientId: config.clientId,
    connectionTimeout: config.connectTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    socketFactory: sockets.factory,
    logLevel: LOG_LEVEL,
    logCreator: logCreatorFor(config, tap),
    reauthenticationThreshold,
    ...(ssl && { ssl }),
    ...(sasl && { sasl }),
  }
}

/** Sends kafkajs's log to the port's logger; `tap` sees every entry first. */
export function logCreatorFor(config: KafkaConfig, tap?: (entry: LogEntry) => void): logCreator {
  return () => (entry) => {
    tap?.(entry)
    if (!config.log) return
    const { message, timestamp: _timestamp, logger: _logger, ...fields } = entry.log
    config.log(LEVELS.get(entry.level) ?? 'debug', message, {
      namespace: entry.namespace,
      ...fields,
    })
  }
}
