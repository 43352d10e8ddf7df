import { livePointerKey, type ReleaseState, releaseKey } from '@kappa/applications/records'
import type { Kafka, TransactionalProducer } from '@kappa/kafka/port'
import { until } from '@kappa/test/until'
import { connectRedis, type RedisClient } from '@kappa/view-store/redis-client'
import { ReleaseRows } from '@kappa/view-store/release-rows'
import { type Slot, slotOf, ViewStore } from '@kappa/view-store/view-store'
import { readResultsConfig } from '../config.ts'
import { environment, type FakeApplication, namespace, topics } from './fixture.ts'

interface Part {
  readonly view: string
  readonly partition: number
  readonly slot: Slot
}

/** Switches releases by the steps that replay takes. */
export class FakeReplay {
  readonly store: ViewStore
  /** When the last switch was begun to be committed, by this process's clock. */
  readonly committedFrom: number[] = []
  readonly frozenMs: number[] = []
  /** How much of that the other release took to get as far. */
  readonly catchUpMs: number[] = []
  readonly #redis: RedisClient
  readonly #producer: TransactionalProducer

  static async open(kafka: Kafka, database: number): Promise<FakeReplay> {
    const redis = connectRedis(
      readResultsConfig(environment(database)).redis,
      'replay',
      () => undefined,
    )
    await new Promise((resolve) => redis.once('ready', resolve))
    return new FakeReplay(redis, await kafka.transactionalProducer(`${namespace}-replay`))
  }

  private constructor(redis: RedisClient, producer: TransactionalProducer) {
    this.#redis = redis
    this.#producer = producer
    this.store = new ViewStore(redis, namespace)
  }

  /** As replay does when it removes a release. */
  async removeRows(application: string, release: number): Promise<void> {
    await new ReleaseRows(this.#redis, namespace).removeRows(application, release)
  }

  async hasRows(application: string, release: number): Promise<boolean> {
    const found = await new ReleaseRows(this.#redis, namespace).releasesWithRows()
    return found.some((each) => each.application === application && each.release === release)
  }

  async switch(from: FakeApplication, to: FakeApplication, epoch: number): Promise<void> {
    await this.#commit(to, [[to, 'ready']], epoch - 1)
    const started = performance.now()
    const frozen = await this.#freeze(from, epoch)
    const position = await until(
      () => positionOf(from, frozen),
      (found) => found !== undefined,
    )
    const waiting = performance.now()
    await until(
      () => this.#hasReached(to, position ?? 0),
      (has) => has,
    )
    this.catchUpMs.push(performance.now() - waiting)
    const again = await this.#freeze(from, epoch)
    if (again.some(({ next }, index) => next !== frozen[index]?.next)) {
      throw new Error('what was frozen has moved')
    }
    this.committedFrom[epoch] = performance.now()
    await this.#commit(
      to,
      [
        [to, 'live'],
        [from, 'standby'],
      ],
      epoch,
      true,
    )
    await this.store.point(to.name, epoch, to.release)
    await Promise.all(partsOf(from).map(({ slot }) => this.store.unfreeze(slot, epoch)))
    this.frozenMs.push(performance.now() - started)
  }

  async close(): Promise<void> {
    await this.#producer.close()
    this.#redis.disconnect()
  }

  async #freeze(release: FakeApplication, fence: number) {
    return Promise.all(
      partsOf(release).map(async (part) => {
        const freezing = await this.store.freeze(part.slot, fence)
        if (freezing.outcome !== 'done') throw new Error(`not frozen: ${freezing.outcome}`)
        return { ...part, next: freezing.next }
      }),
    )
  }

  /** Whether Redis has all rows of the release up to the position. */
  async #hasReached(release: FakeApplication, source: number): Promise<boolean> {
    const parts = await Promise.all(
      partsOf(release).map(async ({ view, partition, slot }) => {
        const position = release.positions.get(view)?.find((known) => known.source >= source)
        const next = (await this.store.status(slot))?.next ?? -1n
        return position !== undefined && next >= (position.ends[partition] ?? 0n)
      }),
    )
    return parts.every(Boolean)
  }

  #commit(
    { name, release }: FakeApplication,
    states: readonly (readonly [FakeApplication, ReleaseState])[],
    epoch: number,
    isLive = false,
  ): Promise<void> {
    const records = states.map(([application, state]) => ({
      key: releaseKey(name, application.release),
      value: application.record(application.release, epoch, state) as object,
    }))
    if (isLive) {
      records.push({ key: livePointerKey(name), value: { application: name, release, epoch } })
    }
    return this.#producer.commit(
      records.map(({ key, value }) => ({
        topic: topics.releases,
        key: Buffer.from(key),
        value: Buffer.from(JSON.stringify(value)),
      })),
    )
  }
}

export function partsOf({ name, release, views }: FakeApplication): Part[] {
  return Object.entries(views).flatMap(([view, { changelog }]) =>
    Array.from({ length: changelog.partitions }, (_, partition) => {
      return { view, partition, slot: slotOf(namespace, name, release, view, partition) }
    }),
  )
}

/** Up to where readers may have seen rows: the first position that covers all that is applied. */
function positionOf(
  release: FakeApplication,
  frozen: readonly (Part & { readonly next: bigint })[],
): number | undefined {
  const sources = Object.keys(release.views).map((view) => {
    const parts = frozen.filter((part) => part.view === view)
    return release.positions
      .get(view)
      ?.find(({ ends }) => parts.every(({ partition, next }) => (ends[partition] ?? 0n) >= next))
      ?.source
  })
  return sources.includes(undefined) ? undefined : Math.max(...(sources as number[]))
}
