import { setTimeout as delay } from 'node:timers/promises'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import { type PositionRecord, positionKey, type ReleaseRecord } from '@kappa/applications/records'
import type { Comparison, ViewComparison } from '@kappa/applications/replay-record'
import { connectSpark } from '@kappa/spark-connect/session'
import type { ClusterLife } from '../clusters/cluster-life.ts'
import { withoutRows } from '../comparing/compare-view.ts'
import { compareViews, verdictOfAll } from '../comparing/compare-views.ts'
import type { ComparedSide } from '../comparing/compared-side.ts'
import { ExpectedDifferencesError } from '../comparing/expected-differences-error.ts'
import { declaredFor } from '../releases/declared-differences.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { reaches } from '../switching/coverage.ts'

const pollMs = 50
/** While the live release reads what has piled up, the end of its batch is no end of the log. */
const waitingWatermarkMs = 100 * 366 * 24 * 3_600_000

interface Cut {
  readonly old: ComparedSide
  readonly new: ComparedSide
  readonly position: OffsetsByTopic
}

/**
 * Holds the rows of a release against those of the live one, view by view, both complete up to exactly
 * the same position of the log: the query of the new release is made to end where a batch of the live
 * one has ended. Nothing is done to the live release.
 */
export async function compareRelease(
  parts: ReleaseParts,
  record: ReleaseRecord,
  life: ClusterLife,
  signal: AbortSignal,
): Promise<Comparison> {
  const { releases, config, effects } = parts
  const live = releases.live(record.application)
  if (!live) throw new Error(`${record.application} has no live release to be compared with.`)
  const cuts = new Map<string, Cut>()
  const uncut: ViewComparison[] = []
  for (const view of Object.keys(record.definition.views)) {
    if (!(view in live.definition.views)) continue
    const cut = await cutView(parts, { record, life, live, view }, signal)
    if ('reason' in cut) uncut.push(notComparable(view, record, live, cut.reason))
    else cuts.set(view, cut)
  }
  const { expected, unsettledRowsMax } = declaredFor(record)
  const { samplesMax, sampleBytesMax, compareTimeoutMs: timeoutMs } = config.replays
  const spark = await connectSpark({
    address: life.cluster.address,
    token: life.cluster.token,
    userId: 'kappa-replay',
    requestTimeoutMs: config.release.requestTimeoutMs,
  })
  try {
    const compared = await effects.perform('compare rows', record, () =>
      compareViews(
        {
          session: spark,
          kafka: life.session.kafka,
          bounds: { unsettledRowsMax, samplesMax, sampleBytesMax, timeoutMs },
          signal,
        },
        sidesOf(record, live, cuts, uncut),
        expected,
      ),
    )
    const views = [...compared.views, ...uncut]
      .map((view) => ({ ...view, ...positionOf(cuts.get(view.view)) }))
      .sort((a, b) => (a.view < b.view ? -1 : 1))
    return summary(live, views, uncut.length > 0 ? verdictOfAll(views) : compared.verdict)
  } catch (error) {
    if (!(error instanceof ExpectedDifferencesError)) throw error
    const views = Object.keys(record.definition.views).map((view) =>
      notComparable(view, record, live, error.message),
    )
    return summary(live, views, 'not_comparable')
  } finally {
    await spark.release()
    for (const view of cuts.keys()) life.view(view).restart()
  }
}

function summary(
  live: ReleaseRecord,
  views: readonly ViewComparison[],
  verdict: Comparison['verdict'],
): Comparison {
  return { with_release: live.release, compared_at: Date.now(), verdict, views }
}

/** Views of one side only have no cut. */
function sidesOf(
  record: ReleaseRecord,
  live: ReleaseRecord,
  cuts: ReadonlyMap<string, Cut>,
  uncut: readonly ViewComparison[],
) {
  const skipped = new Set(uncut.map(({ view }) => view))
  const of = ({ definition }: ReleaseRecord, which: 'old' | 'new') =>
    Object.fromEntries(
      Object.entries(definition.views)
        .filter(([name]) => !skipped.has(name))
        .map(([name, view]) => [name, cuts.get(name)?.[which] ?? { view, changelogEnds: {} }]),
    )
  return { old: of(live, 'old'), new: of(record, 'new') }
}

function positionOf(cut: Cut | undefined): { position?: OffsetsByTopic } {
  return cut ? { position: cut.position } : {}
}

function notComparable(
  view: string,
  record: ReleaseRecord,
  live: ReleaseRecord,
  reason: string,
): ViewComparison {
  const side = ({ definition }: ReleaseRecord) => {
    const found = definition.views[view]
    if (!found) throw new Error(`There is no view ${view}.`)
    return { view: found, changelogEnds: {} }
  }
  const sides = { new: side(record), old: side(view in live.definition.views ? live : record) }
  return { view, verdict: 'not_comparable', reason, ...withoutRows(sides) }
}

async function cutView(
  parts: ReleaseParts,
  what: { record: ReleaseRecord; life: ClusterLife; live: ReleaseRecord; view: string },
  signal: AbortSignal,
): Promise<Cut | { reason: string }> {
  const { effects, config } = parts
  const { record, life, live, view } = what
  const runner = life.view(view)
  await effects.perform('cut query', record, () => life.hold(runner))
  const own = runner.position.record.sources
  const old = await untilReached(parts, live, view, own, signal)
  if (!old) {
    return {
      reason: `The live release ${live.release} has not reached what this one has read within ${config.replays.cutTimeoutMs} ms: it lags or has failed. See to that, then compare again.`,
    }
  }
  const isFresh = old.current_at >= Date.now() - config.release.catchUp.freshnessMsMax
  const streams = Object.keys(record.definition.sources)
  await effects.perform('cut query', record, () =>
    life.runUpTo(runner, {
      kind: 'up-to',
      offsets: { ...own, ...old.sources },
      ...(isFresh
        ? {}
        : { slackMs: Object.fromEntries(streams.map((name) => [name, waitingWatermarkMs])) }),
    }),
  )
  const { position } = runner
  const oldView = live.definition.views[view]
  if (!oldView) throw new Error(`There is no view ${view}.`)
  return {
    old: { view: oldView, changelogEnds: old.changelog, ...watermark(old) },
    new: {
      view: runner.view,
      changelogEnds: position.record.changelog,
      ...watermark(position.record),
    },
    position: position.record.sources,
  }
}

function watermark({ watermark: watermarkMs }: PositionRecord) {
  return watermarkMs === undefined ? {} : { watermarkMs }
}

/** The first position of the live release that has all that the new one has read. */
async function untilReached(
  { control, config }: ReleaseParts,
  live: ReleaseRecord,
  view: string,
  own: OffsetsByTopic,
  signal: AbortSignal,
): Promise<PositionRecord | undefined> {
  const deadline = Date.now() + config.replays.cutTimeoutMs
  while (!signal.aborted && Date.now() < deadline) {
    const position = control.positions.get(positionKey(live.application, live.release, view))
    if (position && reaches(position.sources, own)) return position
    await delay(pollMs, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}
