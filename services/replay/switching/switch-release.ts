import { setTimeout as delay } from 'node:timers/promises'
import type { ReleaseRecord } from '@kappa/applications/records'
import type { Slot, ViewStore } from '@kappa/view-store/view-store'
import type { ReleaseChange, ReleaseId } from '../control/releases.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { slotsOf, ViewPair } from './view-pair.ts'

/** Raised when a switch did not come about; the release that was live still is. */
export class SwitchRefusedError extends Error {
  /** Whether it may come about later without being asked for again. */
  readonly isForNow: boolean

  constructor(message: string, { isForNow }: { isForNow: boolean }) {
    super(message)
    this.name = 'SwitchRefusedError'
    this.isForNow = isForNow
  }
}

export interface SwitchParts extends ReleaseParts {
  readonly rows: ViewStore
}

const pollMs = 5

/**
 * Makes a release the one that readers get (P4). Their rows stand still from the moment at which it is
 * made sure that the new rows hold all that was shown, until the pointer is moved: a client that has
 * read the old release sees nothing older in the new one.
 *
 * To be called again after a crash: every step may have been done already.
 *
 * @returns milliseconds for which rows stood still
 * @throws SwitchRefusedError when the new release does not reach the old one in time
 */
export async function switchRelease(parts: SwitchParts, id: ReleaseId): Promise<number> {
  const { releases, config, control, effects, rows } = parts
  const target = releases.get(id)
  const old = releases.live(id.application)
  if (old?.release === id.release) return 0
  if (target.switching && target.switching.from !== (old?.release ?? null)) {
    throw new SwitchRefusedError(
      `Release ${old?.release} has become live meanwhile; the switch was asked for while ${target.switching.from} was. Compare again, then promote.`,
      { isForNow: false },
    )
  }
  const pairs = Object.keys(target.definition.views).map(
    (view) => new ViewPair(config.namespace, view, old, target),
  )
  await untilAligned(parts, pairs, config.replays.switchWaitMs)
  const slots = pairs.flatMap(({ oldSlots }) => oldSlots)
  const begun = performance.now()
  try {
    const frozen = await effects.performFenced('freeze rows', id, () => freeze(parts, slots))
    await untilCovered(parts, pairs, frozen, config.replays.freezeMsMax)
    // A partition that Redis lost and that was rebuilt meanwhile is not frozen, and has gone on.
    const still = await freeze(parts, slots)
    if (slots.some((slot) => still.get(slot) !== frozen.get(slot))) {
      throw new SwitchRefusedError(
        'Redis has lost rows while they stood still for the switch. The live release goes on.',
        { isForNow: true },
      )
    }
    // Results may have had no room for the new rows, or Redis may have lost them.
    const isThere = await coveredPairs(parts, pairs, still)
    if (!isThere.every(Boolean)) {
      throw new SwitchRefusedError(
        `The rows of release ${id.release} have gone from Redis again. The live release goes on.`,
        { isForNow: true },
      )
    }
    const pointer = await releases.makeLive(
      id,
      {
        switching: undefined,
        keep_until: undefined,
        switched: { from: old?.release ?? null, at: Date.now() },
      },
      replaced(parts, target, old),
    )
    await effects.performFenced('set pointer', id, () =>
      rows.point(pointer.application, pointer.epoch, pointer.release),
    )
    return Math.round(performance.now() - begun)
  } finally {
    await effects.performFenced('unfreeze rows', id, async () => {
      await Promise.all(slots.map((slot) => rows.unfreeze(slot, control.nextPointerEpoch())))
    })
  }
}

/** Next offsets by slot; a slot that is not intact shows nothing, so nothing has to be covered. */
async function freeze(
  { rows, control }: SwitchParts,
  slots: readonly Slot[],
): Promise<ReadonlyMap<Slot, bigint | undefined>> {
  const frozen = await Promise.all(
    slots.map((slot) => rows.freeze(slot, control.nextPointerEpoch())),
  )
  for (const result of frozen) {
    if (result.outcome !== 'fenced') continue
    throw new SwitchRefusedError(
      `Another instance of replay has taken over (epoch ${result.by}); it switches releases now.`,
      { isForNow: false },
    )
  }
  return new Map(
    slots.map((slot, index) => {
      const result = frozen[index]
      return [slot, result?.outcome === 'done' ? result.next : undefined]
    }),
  )
}

/** Lets every row go on that a switch which was broken off may have left standing still. */
export async function unfreezeAll(parts: SwitchParts): Promise<void> {
  const { releases, rows, control, config } = parts
  const loaded = releases.all().filter(({ state }) => ['live', 'standby', 'failed'].includes(state))
  for (const record of loaded) {
    const slots = Object.keys(record.definition.views).flatMap((view) =>
      slotsOf(config.namespace, record, view),
    )
    await Promise.all(slots.map((slot) => rows.unfreeze(slot, control.nextPointerEpoch())))
  }
}

/** What becomes of the release that was live, and of a standby before it: there is one at most. */
function replaced(
  { releases, config }: SwitchParts,
  target: ReleaseRecord,
  old: ReleaseRecord | undefined,
): (readonly [ReleaseId, (record: ReleaseRecord) => ReleaseChange])[] {
  const { standbyMs, retainMs } = config.replays
  const standbyFor = target.replay?.standby_ms ?? standbyMs
  const retainFor = target.replay?.retain_ms ?? retainMs
  const standbys = releases
    .of(target.application)
    .filter(({ state, release }) => state === 'standby' && release !== target.release)
  return [
    ...standbys.map(
      (record) =>
        [
          record,
          () => ({ state: 'retained' as const, keep_until: Date.now() + retainFor }),
        ] as const,
    ),
    ...(old
      ? [
          [
            old,
            ({ state }: ReleaseRecord): ReleaseChange =>
              state === 'failed'
                ? { keep_until: Date.now() + retainFor }
                : { state: 'standby', keep_until: Date.now() + standbyFor },
          ] as const,
        ]
      : []),
  ]
}

async function untilAligned(
  { rows, control }: SwitchParts,
  pairs: readonly ViewPair[],
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    for (const pair of pairs) pair.observe(control.positions)
    const aligned = await Promise.all(pairs.map((pair) => pair.isAligned(rows)))
    if (aligned.every(Boolean)) return
    await delay(pollMs)
  }
}

/** Of each pair, whether the new rows hold all that the old ones show. */
function coveredPairs(
  { rows }: SwitchParts,
  pairs: readonly ViewPair[],
  frozen: ReadonlyMap<Slot, bigint | undefined>,
): Promise<boolean[]> {
  return Promise.all(
    pairs.map((pair) =>
      pair.isCovered(
        rows,
        pair.oldSlots.map((slot) => frozen.get(slot)),
      ),
    ),
  )
}

async function untilCovered(
  parts: SwitchParts,
  pairs: readonly ViewPair[],
  frozen: ReadonlyMap<Slot, bigint | undefined>,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    for (const pair of pairs) pair.observe(parts.control.positions)
    const covered = await coveredPairs(parts, pairs, frozen)
    if (covered.every(Boolean)) return
    if (Date.now() > deadline) {
      const behind = pairs.filter((_, index) => !covered[index]).map(({ view }) => view)
      throw new SwitchRefusedError(
        `The rows of ${behind.join(', ')} have not reached those of the live release within ${timeoutMs} ms: results has not loaded them (or has no room for them in Redis), or the release lags. The live release goes on.`,
        { isForNow: true },
      )
    }
    await delay(pollMs)
  }
}
