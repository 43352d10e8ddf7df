import type { ReleaseTraces } from './release-traces.ts'
import type { ReleaseId, Releases } from './releases.ts'

/** What replay does to the world outside the control log. */
export type SideEffect =
  | 'start cluster'
  | 'stop cluster'
  | 'pin datasets'
  | 'create topics'
  | 'carry rows'
  | 'start query'
  | 'cut query'
  | 'compare rows'
  | 'freeze rows'
  | 'set pointer'
  | 'unfreeze rows'
  | 'remove release'

/** Told right before and right after a side effect; tests stop or kill replay there. */
export type EffectListener = (
  effect: SideEffect,
  when: 'before' | 'after',
  id: ReleaseId,
) => void | Promise<void>

/**
 * Side effects of a release. Before each of them it is proven that no other instance has taken
 * over: one that was stopped and let go again finds out here, and does nothing.
 */
export class Effects {
  readonly #releases: Pick<Releases, 'confirm'>
  readonly #listener: EffectListener
  readonly #traces: ReleaseTraces | undefined

  constructor(
    releases: Pick<Releases, 'confirm'>,
    listener: EffectListener = () => undefined,
    traces?: ReleaseTraces,
  ) {
    this.#releases = releases
    this.#listener = listener
    this.#traces = traces
  }

  /** @throws KafkaError `fenced`, and then nothing was done; what `work` throws */
  async perform<T>(effect: SideEffect, id: ReleaseId, work: () => Promise<T>): Promise<T> {
    return this.performFenced(effect, id, async () => {
      await this.#releases.confirm(id)
      return work()
    })
  }

  /** A side effect that the other side refuses from an older instance: Redis knows the newest fence. */
  async performFenced<T>(effect: SideEffect, id: ReleaseId, work: () => Promise<T>): Promise<T> {
    await this.#listener(effect, 'before', id)
    const result = await (this.#traces ? this.#traces.effect(effect, id, work) : work())
    await this.#listener(effect, 'after', id)
    return result
  }
}
