import { setTimeout as delay } from 'node:timers/promises'
import type { ReleaseRecord } from '@kappa/applications/records'
import type { ClusterLife } from '../clusters/cluster-life.ts'
import type { ReleaseId, Releases } from '../control/releases.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { isBuilding } from '../releases/release-phase.ts'
import { compareRelease } from '../replays/compare-release.ts'
import { prepareRelease } from './prepare-release.ts'

/** Raised when the rows of a release cannot be right, whatever it does from now on. */
export class ReleaseSpoiledError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ReleaseSpoiledError'
  }
}

const pollMs = 100

/**
 * Takes a release from state to state on a cluster that was just started for it, whatever state an
 * earlier life has left it in.
 *
 * Resolves when the release needs another cluster: it was built on one of the replay's size, and
 * goes on as a live release does. Else it goes on until the signal aborts or something fails.
 */
export async function advanceRelease(
  parts: ReleaseParts,
  id: ReleaseId,
  life: ClusterLife,
  signal: AbortSignal,
): Promise<void> {
  const { releases } = parts
  const definition = await prepareRelease(parts, life.session, id, signal)
  const starting = life.startViews(definition)
  starting.catch(() => undefined)
  // Readers know the views of a release that has run before: those that run again count at once.
  if (releases.get(id).state === 'starting') await starting
  const caring = life.care(definition)
  caring.catch(() => undefined)
  const areStarted = await Promise.race([starting.then(() => true), caring.then(() => false)])
  // Its life was over before: some of its views were not started, and yet they are its views.
  if (!areStarted) return
  await enterRunning(releases, id, { ...definition, views: life.viewsAsStarted() })
  await Promise.race([caring, proceed(parts, id, life, signal)])
}

/** Whoever publishes learns from this record what is decoded: every query does by now. */
async function enterRunning(
  releases: Releases,
  id: ReleaseId,
  definition: ReleaseRecord['definition'],
): Promise<void> {
  const record = releases.get(id)
  if (record.state !== 'starting') {
    await releases.update(id, () => ({ definition }))
  } else if (releases.pointer(id.application) === undefined) {
    // Nobody reads anything yet: readers see it fill.
    await releases.makeLive(id, { definition, keep_until: undefined })
  } else {
    await releases.update(id, ({ state }) =>
      state === 'starting' ? { state: 'catching_up', definition } : undefined,
    )
  }
}

async function proceed(
  parts: ReleaseParts,
  id: ReleaseId,
  life: ClusterLife,
  signal: AbortSignal,
): Promise<void> {
  const { releases } = parts
  const startedAt = Date.now()
  while (!signal.aborted) {
    const record = releases.get(id)
    // What the next cluster reads in the live release's size and priority is not waited for here.
    const hasCaughtUp = () => (isBuilding(record) ? life.hasReadBacklog() : life.isCaughtUp())
    if (record.state === 'catching_up') {
      await until(hasCaughtUp, life, signal)
      if (signal.aborted) return
      const state = isBuilding(record) ? 'comparing' : 'ready'
      const caughtUp = { events: eventsRead(life), seconds: (Date.now() - startedAt) / 1_000 }
      await releases.update(id, ({ state: now, replay }) =>
        now !== 'catching_up'
          ? undefined
          : {
              state,
              replay: isBuilding(record) && replay ? { ...replay, caught_up: caughtUp } : replay,
            },
      )
    } else if (record.state === 'comparing' && record.replay && !record.replay.comparison) {
      // Again after a restart: no view is cut that is still to be started for what has piled up.
      await until(hasCaughtUp, life, signal)
      if (signal.aborted) return
      const comparison = await compareRelease(parts, record, life, signal)
      await releases.update(id, ({ state, replay }) =>
        state === 'comparing' && replay
          ? { replay: { ...replay, comparison, built: true } }
          : undefined,
      )
      if (isBuilding(record)) return
    } else if (record.state === 'comparing') {
      await until(() => life.isCaughtUp(), life, signal)
      await releases.update(id, ({ state }) =>
        state === 'comparing' && !signal.aborted ? { state: 'ready' } : undefined,
      )
    } else {
      await releases.changed(id, parts.config.release.heartbeatMs, signal)
    }
  }
}

/** @throws ReleaseSpoiledError when the watermark has dropped rows: they are missing for good. */
async function until(
  condition: () => boolean,
  life: ClusterLife,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { name, slackWanted } of life.views) {
      if (slackWanted === undefined) continue
      throw new ReleaseSpoiledError(
        `The watermark has dropped rows of the view ${name} that were on time: its partitions are further apart in time than was found when it was started. Replay with at least ${slackWanted} ms of watermark_slack.`,
      )
    }
    if (condition()) return
    await delay(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

function eventsRead(life: ClusterLife): number {
  return Math.max(0, ...life.views.map(({ eventsRead }) => eventsRead))
}
