import { type Logger, pino } from 'pino'
import { redact } from './redact.ts'
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

/** ioredis hangs the failed command onto an error: for a refused login, that is the password. */
const commandPaths = ['err.command.args']

/**
 * JSON lines on standard output, one object a line, without what is named like a secret, looks like one,
 * or was read from a file of secrets.
 */
export function createLogger(service: string, level: LogLevel): Logger {
  return pino({
    name: service,
    level,
    redact: { paths: [...secretPaths, ...commandPaths], censor: '[redacted]' },
    formatters: {
      level: (label) => ({ level: label }),
      bindings: ({ name }) => ({ service: name }),
    },
    hooks: { streamWrite: redact },
    timestamp: pino.stdTimeFunctions.isoTime,
  })
}
