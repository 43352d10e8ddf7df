import { type CommandInput, type OptionSpecs, UsageError } from './command.ts'
import type { InputFormat } from './input/open-input.ts'
import { ingestOptions, ingestUrl } from './service-options.ts'

const timeoutMsDefault = 120_000

export const publishOptionSpecs = {
  ...ingestOptions,
  format: {
    type: 'string',
    short: 'f',
    value: '<ndjson|json|csv>',
    summary: 'of the input (default: by its name, else by its beginning)',
  },
  mode: {
    type: 'string',
    value: '<live|import>',
    summary: 'import: history, in order, until the topic has its first live event (default live)',
  },
  disorder: {
    type: 'string',
    value: '<duration>',
    summary: 'with --mode import: how much older than one before it an event may be, "1 hour"',
  },
  version: {
    type: 'string',
    value: '<n>',
    summary: 'of the contract (default: the newest one that may be published)',
  },
  'from-line': {
    type: 'string',
    value: '<n>',
    summary: 'leave out what begins before this line of the input',
  },
  batch: { type: 'string', value: '<events>', summary: 'in one request (default 1000)' },
  concurrency: {
    type: 'string',
    value: '<requests>',
    summary: 'at once (default 4; imports go one at a time, so that they stay in order)',
  },
  timeout: {
    type: 'string',
    value: '<duration>',
    summary: 'how long an event is sent again before giving up (default "2 minutes")',
  },
  rejected: {
    type: 'string',
    value: '<file>',
    summary: 'takes rejected events with their reasons (default <file>.rejected.ndjson)',
  },
  'discard-rejected': {
    type: 'boolean',
    summary: 'ingest does not keep rejected events for kappa rejected',
  },
  compress: { type: 'boolean', summary: 'requests with gzip, for slow networks' },
  quiet: { type: 'boolean', short: 'q', summary: 'no progress and no summary, errors only' },
  json: { type: 'boolean', summary: 'print the summary as one line of JSON' },
} as const satisfies OptionSpecs

export interface PublishSettings {
  readonly url: string
  readonly topic: string
  /** `-` for standard input. */
  readonly file: string
  readonly format: InputFormat | undefined
  readonly mode: 'live' | 'import'
  readonly disorder: string | undefined
  readonly version: number | undefined
  readonly fromLine: number
  readonly batchEvents: number
  readonly concurrency: number
  readonly timeoutMs: number
  readonly rejectedFile: string
  readonly discardRejected: boolean
  readonly compress: boolean
  readonly quiet: boolean
  readonly json: boolean
}

/** @throws UsageError naming the option that is wrong */
export function readPublishSettings({ positionals, options, io }: CommandInput): PublishSettings {
  const [topic = '', file = '-'] = positionals
  const mode = options.choice('mode', ['live', 'import'] as const) ?? 'live'
  const disorder = options.text('disorder')
  if (disorder !== undefined && mode === 'live') {
    throw new UsageError('--disorder goes with --mode import')
  }
  // Ingest reads it; here it is only held against what durations look like.
  options.durationMs('disorder')
  const concurrency = options.integer('concurrency', 1, 64)
  if (mode === 'import' && (concurrency ?? 1) > 1) {
    throw new UsageError('--concurrency goes with live events only: imports stay in order')
  }
  if (file === '-' && positionals.length < 2 && isTerminal(io.stdin)) {
    throw new UsageError('name a file, or pipe events in and name -')
  }
  return {
    url: ingestUrl(options, io),
    topic,
    file,
    format: options.choice('format', ['ndjson', 'json', 'csv'] as const),
    mode,
    disorder,
    version: options.integer('version', 1, 999_999),
    fromLine: options.integer('from-line', 1, Number.MAX_SAFE_INTEGER) ?? 1,
    batchEvents: options.integer('batch', 1, 100_000) ?? 1_000,
    concurrency: mode === 'import' ? 1 : (concurrency ?? 4),
    timeoutMs: Math.max(1, options.durationMs('timeout') ?? timeoutMsDefault),
    rejectedFile: options.text('rejected') ?? `${file === '-' ? topic : file}.rejected.ndjson`,
    discardRejected: options.flag('discard-rejected'),
    compress: options.flag('compress'),
    quiet: options.flag('quiet'),
    json: options.flag('json'),
  }
}

function isTerminal(stdin: NodeJS.ReadableStream): boolean {
  return 'isTTY' in stdin && stdin.isTTY === true
}
