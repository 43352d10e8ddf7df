import type { ReplayRequest } from '../../replay-status.ts'
import { type GivenOptions, type OptionSpecs, UsageError } from '../command.ts'
import { declaredOptions, readDeclared } from './declared-differences.ts'
import { defined } from './defined.ts'

export const requestOptions = {
  from: {
    type: 'string',
    value: '<earliest|time>',
    summary: 'where to begin: an event time with a zone, 2026-01-31T00:00:00Z (default earliest)',
  },
  carry: {
    type: 'boolean',
    summary: 'with a time: earlier windows are taken over from the live release',
  },
  'accept-partial': {
    type: 'boolean',
    summary: 'go on although retention has deleted a part of the log',
  },
  promote: {
    type: 'string',
    value: '<if-equal|manual|always>',
    summary: 'make it live when it is ready (default manual)',
  },
  ...declaredOptions,
  'events-per-second-max': {
    type: 'string',
    value: '<n>',
    summary: 'bound on what a view reads while it catches up',
  },
  'watermark-slack': {
    type: 'string',
    value: '<duration>',
    summary: 'added to what is found of how far partitions are apart in time, "1 hour"',
  },
  cores: {
    type: 'string',
    value: '<n>',
    summary: 'of each executor of its cluster while it catches up',
  },
  memory: {
    type: 'string',
    value: '<size>',
    summary: 'of each executor of its cluster while it catches up, 1536m',
  },
  executors: { type: 'string', value: '<n>', summary: 'of its cluster while it catches up' },
  'keep-warm-for': {
    type: 'string',
    value: '<duration>',
    summary: 'how long the release that it replaces goes on running, "1 hour"',
  },
  'retain-for': {
    type: 'string',
    value: '<duration>',
    summary: 'how long that one is kept after it was stopped, "7 days"',
  },
} as const satisfies OptionSpecs

/** @throws UsageError naming the option that is wrong, and how it is written */
export function readReplayRequest(application: string, options: GivenOptions): ReplayRequest {
  const from = readFrom(options.text('from'))
  const carry = options.flag('carry')
  if (carry && typeof from !== 'object') throw new UsageError('--carry goes with --from <time>')
  const cores = options.integer('cores', 1, 1_024)
  const memory = options.text('memory')
  const executors = options.integer('executors', 1, 1_024)
  const spark = defined({ cores, memory, executors })
  return {
    application,
    ...defined({
      from,
      carry: carry || undefined,
      accept_partial: options.flag('accept-partial') || undefined,
      promote: options.choice('promote', ['if-equal', 'manual', 'always'] as const),
      ...readDeclared(options),
      events_per_second_max: options.integer('events-per-second-max', 1, Number.MAX_SAFE_INTEGER),
      watermark_slack: readDuration('watermark-slack', options),
      spark: Object.keys(spark).length > 0 ? spark : undefined,
      keep_warm_for: readDuration('keep-warm-for', options),
      retain_for: readDuration('retain-for', options),
    }),
  }
}

function readFrom(text: string | undefined): ReplayRequest['from'] {
  if (text === undefined || text === 'earliest') return text
  // Without a zone it would mean another time on another machine.
  if (/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) {
    return { timestamp: text }
  }
  throw new UsageError(
    `--from is earliest or a time with its zone, such as 2026-01-31T00:00:00Z, got "${text}"`,
  )
}

/** The service reads durations itself; a wrong one is told before it is asked. */
function readDuration(name: string, options: GivenOptions): string | undefined {
  return options.durationMs(name) === undefined ? undefined : options.text(name)
}
