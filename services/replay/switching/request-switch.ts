import { setTimeout as delay } from 'node:timers/promises'
import type { ReleaseRecord } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { ReleaseId, Releases } from '../control/releases.ts'
import { reasonAgainstPromotion } from './promotion.ts'
import type { SwitchOutcome } from './switch-outcome.ts'

const pollMs = 10

export interface SwitchOptions {
  readonly dryRun: boolean
  /** How long to wait for it to come about. */
  readonly timeoutMs: number
}

/**
 * Makes a release that was replayed the live one.
 * @throws ServiceError `wrong_state`, `live_changed`, `rows_differ`; `not_caught_up` when it did not
 *   come about, and then nothing has changed
 */
export async function promote(
  releases: Releases,
  id: ReleaseId,
  options: SwitchOptions & { readonly force: boolean },
): Promise<SwitchOutcome> {
  const record = releases.get(id)
  if (releases.isLive(id)) return outcome(releases, record, { done: true, reason: null })
  const problem = reasonAgainstPromotion(releases, record, options)
  if (options.dryRun) {
    const reason = problem?.message ?? null
    return { ...outcome(releases, record, { done: false, reason }), allowed: !problem }
  }
  if (problem) throw new ServiceError(problem.code, problem.message)
  return request(releases, record, 'promote', options)
}

/**
 * Makes an earlier release live again: the standby at once; a retained one is started and catches up
 * first, then it is switched to without being asked again.
 * @throws ServiceError `wrong_state` without such a release; `not_caught_up`
 */
export async function rollBack(
  releases: Releases,
  application: string,
  to: number | undefined,
  options: SwitchOptions,
): Promise<SwitchOutcome> {
  const target = rollbackTarget(releases, application, to)
  if (releases.isLive(target)) return outcome(releases, target, { done: true, reason: null })
  if (options.dryRun) return outcome(releases, target, { done: false, reason: waitsFor(target) })
  if (target.state === 'standby') return request(releases, target, 'rollback', options)
  const from = releases.pointer(application)?.release ?? null
  const switching = { kind: 'rollback' as const, from, requested_at: Date.now() }
  const moved = await releases.moveIf(target, ['retained'], {
    state: 'starting',
    switching,
    keep_until: undefined,
  })
  if (!moved) throw notPossible(releases, application, to)
  return outcome(releases, target, { done: false, reason: waitsFor(target) })
}

function rollbackTarget(
  releases: Releases,
  application: string,
  to: number | undefined,
): ReleaseRecord {
  const candidates = releases
    .of(application)
    .filter(({ state }) => state === 'standby' || state === 'retained')
  const target =
    to === undefined
      ? (candidates.find(({ state }) => state === 'standby') ?? candidates[0])
      : to === releases.pointer(application)?.release
        ? releases.live(application)
        : candidates.find(({ release }) => release === to)
  if (target) return target
  throw notPossible(releases, application, to)
}

function notPossible(releases: Releases, application: string, to: number | undefined) {
  const known = releases
    .of(application)
    .filter(({ state }) => state === 'standby' || state === 'retained')
    .map(({ release, state }) => `${release} (${state})`)
  const what = to === undefined ? 'an earlier release' : `release ${to}`
  return new ServiceError(
    'wrong_state',
    `${application} cannot be rolled back to ${what}; it can be to: ${known.join(', ') || 'none'}.`,
  )
}

function waitsFor({ release, state }: ReleaseRecord): string | null {
  return state === 'retained'
    ? `Release ${release} was stopped; it is started from its checkpoints and catches up first.`
    : null
}

async function request(
  releases: Releases,
  { application, release }: ReleaseRecord,
  kind: 'promote' | 'rollback',
  { timeoutMs }: SwitchOptions,
): Promise<SwitchOutcome> {
  const id = { application, release }
  const from = releases.pointer(application)?.release ?? null
  const begun = Date.now()
  await releases.update(id, () => ({ switching: { kind, from, requested_at: begun } }))
  while (Date.now() < begun + timeoutMs) {
    const record = releases.get(id)
    if (releases.isLive(id) && record.switched?.frozen_ms !== undefined) {
      return { ...outcome(releases, record, { done: true, reason: null }), from }
    }
    if (!releases.isLive(id) && record.switching === undefined) {
      const why = record.note?.text ?? record.cause ?? `It is ${record.state} now.`
      throw new ServiceError('not_caught_up', why, { retryAfterSeconds: 5 })
    }
    await delay(pollMs)
  }
  return outcome(releases, releases.get(id), { done: false, reason: 'It is being switched to.' })
}

function outcome(
  releases: Releases,
  { application, release, switched }: ReleaseRecord,
  { done, reason }: { done: boolean; reason: string | null },
): SwitchOutcome {
  return {
    application,
    from: releases.pointer(application)?.release ?? null,
    to: release,
    done,
    allowed: true,
    reason,
    frozen_ms: done ? (switched?.frozen_ms ?? null) : null,
  }
}
