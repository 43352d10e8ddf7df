import { type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import type { Span, Tracing } from '@kappa/service/tracing'
import type { ReleaseId } from './releases.ts'

/** The states on the way to where a release runs; each is a span, below the one of all of them. */
const steps: ReadonlySet<ReleaseRecord['state']> = new Set([
  'requested',
  'checked',
  'starting',
  'catching_up',
  'comparing',
])

interface Traced {
  /** From the first step to the end of the last one. */
  building?: Span | undefined
  step?: { readonly state: ReleaseRecord['state']; readonly span: Span } | undefined
  /** While readers are being given it. */
  switching?: Span | undefined
  /** What side effects belong to: the newest of the above, also when it has ended. */
  newest?: Span | undefined
}

/**
 * What is done for a release, as traces: one for its way from the request until it runs or has
 * failed, one for each switch to it, and in them its side effects. They are of this instance: one
 * that takes over begins others.
 */
export class ReleaseTraces {
  readonly #tracing: Tracing
  readonly #traced = new Map<string, Traced>()

  constructor(tracing: Tracing) {
    this.#tracing = tracing
  }

  /** To be called with what has been committed. */
  changed(record: ReleaseRecord): void {
    const key = releaseKey(record.application, record.release)
    const traced = this.#traced.get(key) ?? {}
    this.#traced.set(key, traced)
    this.#step(traced, record)
    this.#switch(traced, record)
    if (record.removed) this.#traced.delete(key)
  }

  /** Ends what goes on, so that it is told. */
  close(): void {
    for (const { building, step, switching } of this.#traced.values()) {
      for (const span of [step?.span, building, switching]) span?.end()
    }
    this.#traced.clear()
  }

  /** A span around a side effect. */
  async effect<T>(effect: string, id: ReleaseId, work: () => Promise<T>): Promise<T> {
    const { newest } = this.#traced.get(releaseKey(id.application, id.release)) ?? {}
    const options = { attributes: attributesOf(id) }
    const span = newest ? newest.child(effect, options) : this.#tracing.span(effect, options)
    try {
      return await work()
    } catch (error) {
      span.fail(error)
      throw error
    } finally {
      span.end()
    }
  }

  #step(traced: Traced, record: ReleaseRecord): void {
    const { state, cause, replay } = record
    if (traced.step?.state === state) return
    traced.step?.span.end()
    traced.step = undefined
    if (!steps.has(state)) {
      traced.building?.set({ 'kappa.state': state })
      if (state === 'failed') traced.building?.fail(new Error(cause))
      traced.building?.end()
      traced.building = undefined
      return
    }
    const attributes = attributesOf(record)
    const name = `${replay ? 'replay' : 'start'} ${record.application}-${record.release}`
    traced.building ??= this.#tracing.span(name, { attributes })
    traced.step = { state, span: traced.building.child(state, { attributes }) }
    traced.newest = traced.step.span
  }

  #switch(traced: Traced, record: ReleaseRecord): void {
    const { switching, note, state } = record
    if (switching && !traced.switching) {
      const name = `${switching.kind} ${record.application}-${record.release}`
      const attributes = attributesOf(record)
      traced.switching = this.#tracing.span(name, { attributes })
      traced.newest = traced.switching
    } else if (!switching && traced.switching) {
      if (state !== 'live') traced.switching.fail(new Error(note?.text))
      traced.switching.end()
      traced.switching = undefined
    }
  }
}

function attributesOf({ application, release }: ReleaseId) {
  return { 'kappa.application': application, 'kappa.release': release }
}
