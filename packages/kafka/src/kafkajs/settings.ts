import { type LogEntry, type logCreator, logLevel } from 'kafkajs'
import type { KafkaConfig } from '../port.ts'

/** Longest wait for an orderly disconnect before the sockets are destroyed. */
export const DISCONNECT_MS_MAX = 2_000

const LEVELS = new Map<logLevel, 'error' | 'warn' | 'info' | 'debug'>([
  [logLevel.ERROR, 'error'],
  [logLevel.WARN, 'warn'],
  [logLevel.INFO, 'info'],
  [logLevel.DEBUG, 'debug'],
])

export const LOG_LEVEL = logLevel.INFO

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
