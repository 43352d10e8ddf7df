import type {
  Comparison,
  ExpectedDifferences,
  ViewComparison,
} from '@kappa/applications/replay-record'
import { compareView, withoutRows } from './compare-view.ts'
import type { ComparedSide } from './compared-side.ts'
import type { ComparingParts } from './comparing-parts.ts'

/** By view: what each release has of it. */
export interface ComparedReleases {
  readonly old: Readonly<Record<string, ComparedSide>>
  readonly new: Readonly<Record<string, ComparedSide>>
}

/**
 * Compares every view of two releases, one after the other: they share one cluster. `position` of
 * the views is the caller's to add.
 * @throws ExpectedDifferencesError, SparkError: see `compareView`
 */
export async function compareViews(
  parts: ComparingParts,
  releases: ComparedReleases,
  expected: ExpectedDifferences,
): Promise<Pick<Comparison, 'verdict' | 'views'>> {
  const views: ViewComparison[] = []
  const names = new Set([...Object.keys(releases.old), ...Object.keys(releases.new)])
  for (const view of [...names].sort()) {
    const [before, after] = [releases.old[view], releases.new[view]]
    if (before && after) {
      const sides = { old: before, new: after }
      views.push({ view, ...(await compareView(parts, sides, expected.views?.[view])) })
    } else if (after) views.push(onOneSide(view, 'added', after, expected.added_views))
    else if (before) views.push(onOneSide(view, 'removed', before, expected.removed_views))
  }
  return { verdict: verdictOfAll(views), views }
}

function onOneSide(
  view: string,
  verdict: 'added' | 'removed',
  side: ComparedSide,
  declared: readonly string[] = [],
): ViewComparison {
  const found = { view, verdict, ...withoutRows({ old: side, new: side }) }
  if (declared.includes(view)) return found
  return {
    ...found,
    reason: `The view was ${verdict}, and expected.${verdict}_views does not name it.`,
  }
}

/** A difference that is certain comes first; where no view was compared, nothing has been shown. */
export function verdictOfAll(views: readonly ViewComparison[]): Comparison['verdict'] {
  const undeclared = (view: ViewComparison) => isOnOneSide(view) && view.reason !== undefined
  if (views.some((view) => view.verdict === 'different' || undeclared(view))) return 'different'
  const shared = views.filter((view) => !isOnOneSide(view))
  const equal = shared.length > 0 && shared.every(({ verdict }) => verdict === 'equal')
  return equal ? 'equal' : 'not_comparable'
}

function isOnOneSide({ verdict }: ViewComparison): boolean {
  return verdict === 'added' || verdict === 'removed'
}
