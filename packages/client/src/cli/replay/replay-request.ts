import type { ExpectedDifferences, ExpectedViewDifferences } from '../../comparison.ts'
import type { ReplayRequest } from '../../replay-status.ts'
import { type GivenOptions, type OptionSpecs, UsageError } from '../command.ts'

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
  'expect-columns': {
    type: 'string',
    value: '<view.column,…>',
    repeatable: true,
    summary: 'columns that may be added, removed or hold other values',
  },
  'expect-where': {
    type: 'string',
    value: '<view: sql>',
    repeatable: true,
    summary: 'rows that may differ: a condition over the key columns',
  },
  'expect-tolerance': {
    type: 'string',
    value: '<view.column=n,…>',
    repeatable: true,
    summary: 'relative tolerance of doubles and floats, 0 to 1 (default 1e-9)',
  },
  'expect-added': {
    type: 'string',
    value: '<view,…>',
    repeatable: true,
    summary: 'views that may be new',
  },
  'expect-removed': {
    type: 'string',
    value: '<view,…>',
    repeatable: true,
    summary: 'views that may be gone',
  },
  'unsettled-rows-max': {
    type: 'string',
    value: '<n>',
    summary: 'more rows that cannot be judged make it not comparable (default 0)',
  },
  'events-per-second-max': {
    type: 'string',
    value: '<n>',
    summary: 'bound on what a view reads while it catches up',
  },
  cores: { type: 'string', value: '<n>', summary: 'of its cluster while it catches up' },
  memory: {
    type: 'string',
    value: '<size>',
    summary: 'of its cluster while it catches up, 1536m',
  },
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
  const spark = defined({ cores, memory })
  const expected = readExpected(options)
  return {
    application,
    ...defined({
      from,
      carry: carry || undefined,
      accept_partial: options.flag('accept-partial') || undefined,
      promote: options.choice('promote', ['if-equal', 'manual', 'always'] as const),
      expected: Object.keys(expected).length > 0 ? expected : undefined,
      unsettled_rows_max: options.integer('unsettled-rows-max', 0, Number.MAX_SAFE_INTEGER),
      events_per_second_max: options.integer('events-per-second-max', 1, Number.MAX_SAFE_INTEGER),
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

function readExpected(options: GivenOptions): ExpectedDifferences {
  const views = new Map<string, ExpectedViewDifferences>()
  const add = (view: string, more: ExpectedViewDifferences) => {
    views.set(view, { ...views.get(view), ...more })
  }
  for (const text of listOf('expect-columns', options)) {
    const [view, column] = splitAt(text, '.', 'expect-columns', 'view.column')
    add(view, { columns: [...(views.get(view)?.columns ?? []), column] })
  }
  for (const text of options.texts('expect-where')) {
    const [view, where] = splitAt(text, ':', 'expect-where', 'view: condition')
    if (views.get(view)?.where !== undefined) {
      throw new UsageError(`--expect-where is given twice for ${view}: write one condition with OR`)
    }
    add(view, { where })
  }
  for (const text of listOf('expect-tolerance', options)) {
    const form = 'view.column=0.001'
    const [target, number] = splitAt(text, '=', 'expect-tolerance', form)
    const [view, column] = splitAt(target, '.', 'expect-tolerance', form)
    const tolerance = Number(number)
    if (!(tolerance >= 0 && tolerance <= 1)) {
      throw new UsageError(`--expect-tolerance is a number from 0 to 1, got "${number}"`)
    }
    add(view, { tolerance: { ...views.get(view)?.tolerance, [column]: tolerance } })
  }
  const [added, removed] = [listOf('expect-added', options), listOf('expect-removed', options)]
  return defined({
    views: views.size > 0 ? Object.fromEntries(views) : undefined,
    added_views: added.length > 0 ? added : undefined,
    removed_views: removed.length > 0 ? removed : undefined,
  })
}

function listOf(name: string, options: GivenOptions): string[] {
  const parts = options.texts(name).flatMap((text) => text.split(','))
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** @throws UsageError a side is missing */
function splitAt(text: string, separator: string, option: string, form: string): [string, string] {
  const at = text.indexOf(separator)
  const [left, right] = [text.slice(0, Math.max(at, 0)).trim(), text.slice(at + 1).trim()]
  if (left !== '' && right !== '') return [left, right]
  throw new UsageError(`--${option} is written as ${form}, got "${text}"`)
}

type Defined<T> = { readonly [Name in keyof T]?: Exclude<T[Name], undefined> }

/** Without what is undefined: JSON has no such thing, and a service knows left out from given. */
function defined<T extends object>(values: T): Defined<T> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Defined<T>
}
