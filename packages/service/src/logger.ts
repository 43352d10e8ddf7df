import { type Logger, pino } from 'pino'
import type { LogLevel } from './settings.ts'

export type { Logger }

const secretPaths = [
  'password',
  'token',
  'clientSecret',
  'secretAccessKey',
  'authorization',
  'cookie',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

/** JSON lines on standard output, one object a line, with everything that is named like a secret removed. */
export function createLogger(service: string, level: LogLevel): Logger {
  return pino({
    name: service,
    level,
    redact: { paths: secretPaths, censor: '[redacted]' },
    formatters: {
      level: (label) => ({ level: label }),
      bindings: ({ name }) => ({ service: name }),
    },
    timestamp: pino.stdTimeFunctions.isoTime,
  })
}
