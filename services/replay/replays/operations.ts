import type { ReleaseRecord, ReleaseState } from '@kappa/applications/records'
import type { ReplayRecord } from '@kappa/applications/replay-record'
import { ServiceError } from '@kappa/service/errors'
import { mayMove } from '../control/release-states.ts'
import type { ReleaseChange, ReleaseId, Releases } from '../control/releases.ts'
import { replayIdOf } from './replay-id.ts'
import type { ComparisonRequest } from './replay-schemas.ts'

/** What a person may do with a replay: each a move of its release, or refused with the reason. */
export async function pauseReplay(releases: Releases, id: ReleaseId): Promise<void> {
  await move(releases, id, 'paused', 'paused')
}

/** Goes on from its checkpoints, or tries again what has failed. */
export async function resumeReplay(releases: Releases, id: ReleaseId): Promise<void> {
  await change(releases, id, 'resumed', ['paused', 'failed'], ({ definition }) => ({
    // What Spark has accepted is not checked again.
    state: Object.values(definition.views).every(({ columns }) => columns.length > 0)
      ? 'starting'
      : 'requested',
    keep_until: undefined,
  }))
}

/** Nothing of it is left afterwards but its record. */
export async function cancelReplay(releases: Releases, id: ReleaseId): Promise<void> {
  await move(releases, id, 'cancelled', 'cancelled')
}

/**
 * Holds its rows against those of the release that is live now.
 * @param declared in place of what was declared before; what it leaves out stays as it was
 */
export async function compareAgain(
  releases: Releases,
  id: ReleaseId,
  declared: ComparisonRequest,
): Promise<void> {
  await change(releases, id, 'compared', ['ready'], ({ replay }) => ({
    state: 'comparing',
    note: undefined,
    replay: replay && {
      ...withoutComparison(replay),
      recomparison: { ...replay.recomparison, ...declared },
    },
  }))
}

function withoutComparison({ comparison: _earlier, ...replay }: ReplayRecord): ReplayRecord {
  return replay
}

/** Deletes a release that nobody reads. */
export async function retireRelease(releases: Releases, id: ReleaseId): Promise<void> {
  if (releases.isLive(id)) {
    throw new ServiceError(
      'wrong_state',
      `Release ${id.release} of ${id.application} is the one that readers get; it cannot be retired.`,
    )
  }
  await move(releases, id, 'retired', 'retired')
}

async function move(
  releases: Releases,
  id: ReleaseId,
  state: ReleaseState,
  done: string,
): Promise<void> {
  await releases.update(id, (record) => {
    if (record.state === state) return undefined
    if (!mayMove(record.state, state)) throw refused(record, done)
    return { state, switching: undefined }
  })
}

async function change(
  releases: Releases,
  id: ReleaseId,
  done: string,
  from: readonly ReleaseState[],
  changeOf: (record: ReleaseRecord) => ReleaseChange,
): Promise<void> {
  await releases.update(id, (record) => {
    if (!from.includes(record.state)) throw refused(record, done, from)
    return changeOf(record)
  })
}

function refused(
  record: ReleaseRecord,
  done: string,
  from?: readonly ReleaseState[],
): ServiceError {
  const only = from ? `; only one that is ${from.join(' or ')} can` : ''
  return new ServiceError(
    'wrong_state',
    `${replayIdOf(record)} is ${record.state} and cannot be ${done}${only}.`,
    { details: { state: record.state } },
  )
}
