import { setTimeout as delay } from 'node:timers/promises'
import { type ReleaseRecord, type ReleaseState, TopicNames } from '@kappa/applications/records'
import { KafkaError } from '@kappa/kafka/port'
import { releaseFolder } from '../releases/release-folder.ts'
import type { RemovalParts } from './removal-parts.ts'

/** In this order: without changelogs nobody fills rows again, and rows are the last to be missed. */
export const removalSteps = ['changelogs', 'group', 'checkpoints', 'datasets', 'rows'] as const
export type RemovalStep = (typeof removalSteps)[number]

export interface RemovalProgress {
  readonly step: RemovalStep
  /** Topics, groups, objects or keys of this step so far. */
  readonly removed: number
  readonly done: boolean
}

export interface RemovalOptions {
  readonly onProgress?: (progress: RemovalProgress) => void
  readonly signal?: AbortSignal
  /** Bound on each step. */
  readonly stepMsMax?: number
  /** How long instances of results may take to leave the group. */
  readonly groupWaitMsMax?: number
}

/** A step that failed; run again, the removal goes on there. */
export class RemovalError extends Error {
  readonly step: RemovalStep

  constructor(record: ReleaseRecord, step: RemovalStep, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`The ${step} of ${record.application} ${record.release} are not removed: ${reason}`, {
      cause,
    })
    this.name = 'RemovalError'
    this.step = step
  }
}

const stepMsMaxByDefault = 10 * 60_000
const groupWaitMsMaxByDefault = 90_000
const groupRetryMs = 500
const removable: ReadonlySet<ReleaseState> = new Set(['retired', 'cancelled'])

type Work = (signal: AbortSignal, removed: (count: number) => void) => Promise<unknown>

/**
 * Deletes all that a retired or cancelled release had, except its records in the control log. What
 * is gone already is nothing, so that it can be killed at any point and run again.
 *
 * @throws RemovalError naming the step that failed or took too long
 */
export async function removeRelease(
  parts: RemovalParts,
  record: ReleaseRecord,
  options: RemovalOptions = {},
): Promise<void> {
  const { application, release, state } = record
  if (!removable.has(state)) {
    throw new Error(`${application} ${release} is ${state}; only what is retired is removed.`)
  }
  const work = workOf(parts, record, options.groupWaitMsMax ?? groupWaitMsMaxByDefault)
  for (const step of removalSteps) {
    const signals = [AbortSignal.timeout(options.stepMsMax ?? stepMsMaxByDefault)]
    if (options.signal) signals.push(options.signal)
    let removed = 0
    const report = (done: boolean) => options.onProgress?.({ step, removed, done })
    try {
      await work[step](AbortSignal.any(signals), (count) => {
        removed += count
        report(false)
      })
    } catch (error) {
      throw new RemovalError(record, step, error)
    }
    report(true)
  }
}

function workOf(
  { namespace, admin, store, rows }: RemovalParts,
  { application, release, definition }: ReleaseRecord,
  groupWaitMsMax: number,
): Record<RemovalStep, Work> {
  const topics = Object.values(definition.views).map(({ changelog }) => changelog.topic)
  const group = new TopicNames(namespace).resultsGroup(application, release)
  const folderWork =
    (kind: 'checkpoints' | 'datasets'): Work =>
    (signal, removed) =>
      store.deletePrefix(releaseFolder(kind, application, release), { signal, onDeleted: removed })
  return {
    changelogs: async (signal, removed) => {
      for (const topic of topics) {
        signal.throwIfAborted()
        await admin.deleteTopics([topic], topicMsMax)
        removed(1)
      }
    },
    group: async (signal, removed) => {
      await deleteGroup(admin, group, { signal, waitMsMax: groupWaitMsMax })
      removed(1)
    },
    checkpoints: folderWork('checkpoints'),
    datasets: folderWork('datasets'),
    rows: (signal, removed) =>
      rows.removeRows(application, release, { signal, onRemoved: removed }),
  }
}

const topicMsMax = 60_000

/** A group has members until every instance of results has noticed that the release is gone. */
async function deleteGroup(
  admin: RemovalParts['admin'],
  group: string,
  { signal, waitMsMax }: { signal: AbortSignal; waitMsMax: number },
): Promise<void> {
  const deadline = Date.now() + waitMsMax
  for (;;) {
    try {
      await admin.deleteGroup(group)
      return
    } catch (error) {
      const mayPass = error instanceof KafkaError && error.code === 'unavailable'
      if (!mayPass || Date.now() + groupRetryMs >= deadline) throw error
    }
    await delay(groupRetryMs, undefined, { signal })
  }
}
