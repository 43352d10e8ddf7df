import type { ExpectedDifferences, ExpectedViewDifferences } from '../../comparison.ts'
import type { ComparisonRequest } from '../../replay-status.ts'
import { type GivenOptions, type OptionSpecs, UsageError } from '../command.ts'
import { defined } from './defined.ts'

/** What a comparison need not explain. */
export const declaredOptions = {
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
} as const satisfies OptionSpecs

/** @throws UsageError naming the option that is wrong, and how it is written */
export function readDeclared(options: GivenOptions): ComparisonRequest {
  const expected = readExpected(options)
  return defined({
    expected: Object.keys(expected).length > 0 ? expected : undefined,
    unsettled_rows_max: options.integer('unsettled-rows-max', 0, Number.MAX_SAFE_INTEGER),
  })
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
