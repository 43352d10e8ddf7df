import type { IncomingRecord } from '@kappa/kafka/port'
import type { Applied, Change, ChangeSet, ViewStore } from '@kappa/view-store/view-store'
import type { ApplySettings } from '../config.ts'
import { sortable } from '../encoding/sortable.ts'
import { changeOf } from './changelog-record.ts'
import type { LoadedView } from './loaded-view.ts'

/** The changelog of a release that is being removed: nothing of it may come into Redis again. */
export class ChangelogGoneError extends Error {
  constructor(topic: string) {
    super(`The changelog ${topic} is not there any more: its release is being removed`)
    this.name = 'ChangelogGoneError'
  }
}

/** The loader that an applier works for. */
export interface ApplierHost {
  /** The oldest fence that a replay may still use. */
  readonly fence: number
  /** Whether the changelog may be read from its beginning: it is wanted, and there. */
  mayBegin(view: LoadedView): Promise<boolean>
  applied(view: LoadedView, records: number): void
  outdated(view: LoadedView, records: number): void
  dropped(view: LoadedView, rows: number): void
  refused(view: LoadedView, outcome: Applied['outcome']): void
}

interface SentSet {
  readonly set: ChangeSet
  readonly applied: Promise<Applied>
}

/** `frozen`: nothing else can be done than to come back later. */
type Seek = { readonly seekTo: bigint; readonly frozen?: true } | undefined

/**
 * Applies the changelog of one partition as its owner. Redis decides what is next; this side
 * only follows, so a restart, a rebalance or a Redis that went back in time need no other path.
 */
export class PartitionApplier {
  readonly view: LoadedView
  readonly partition: number
  readonly #store: ViewStore
  readonly #settings: ApplySettings
  readonly #host: ApplierHost
  #claim: { readonly epoch: string; next: bigint } | undefined
  /** Whether the next record of Kafka is known to follow what is applied. */
  #aligned = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    view: LoadedView,
    partition: number,
    store: ViewStore,
    settings: ApplySettings,
    host: ApplierHost,
  ) {
    this.view = view
    this.partition = partition
    this.#store = store
    this.#settings = settings
    this.#host = host
  }

  /** Becomes the owner; returns the offset to read from. @throws ChangelogGoneError */
  claim(begin: bigint): Promise<bigint> {
    return this.#exclusively(() => this.#takeOver(begin))
  }

  /**
   * Returns the offset to read from when Redis has lost something that was applied here.
   * @throws ChangelogGoneError
   */
  recover(begin: bigint, stored: bigint | undefined): Promise<bigint | undefined> {
    return this.#exclusively(async () => {
      if (stored !== undefined && this.#claim && stored >= this.#claim.next) return undefined
      const status = await this.#store.status(this.#slot)
      if (status && this.#claim && status.next >= this.#claim.next) return undefined
      return this.#takeOver(begin)
    })
  }

  /**
   * Applies records that follow each other, or says where to go on instead.
   * @throws ChangelogGoneError, ChangelogRecordError
   */
  apply(records: readonly IncomingRecord[], begin: bigint): Promise<Seek> {
    return this.#exclusively(() => this.#apply(records, begin))
  }

  async isFrozen(): Promise<boolean> {
    const status = await this.#store.status(this.#slot)
    this.view.noteFrozen(this.partition, status?.frozen === true)
    return status?.frozen === true
  }

  async #apply(records: readonly IncomingRecord[], begin: bigint): Promise<Seek> {
    const first = records[0]
    if (!first) return undefined
    const next = this.#claim?.next ?? (await this.#takeOver(begin))
    // A gap is compaction's only if reading went on from `next`; records that were on their way
    // before a seek look the same.
    if (first.offset < next || (first.offset > next && !this.#aligned)) {
      this.#aligned = true
      return { seekTo: next }
    }
    this.#aligned = true
    // While Redis applies one set, the next one is made and is on its way.
    let sent: SentSet | undefined
    for (const set of this.#changeSets(records, next)) {
      const before = sent
      sent = this.#send(set)
      const seek = before && (await this.#settle(before, begin))
      if (seek) return seek
    }
    return sent && this.#settle(sent, begin)
  }

  #send(set: ChangeSet): SentSet {
    const applied = this.#store.apply(this.#slot, set, this.#settings.deletedMarkerMs)
    // Nobody may get to wait for it: one before it may fail first.
    applied.catch(() => undefined)
    return { set, applied }
  }

  async #settle({ set, applied }: SentSet, begin: bigint): Promise<Seek> {
    const result = await applied
    if (result.outcome !== 'applied') return this.#refused(result, begin)
    if (this.#claim) this.#claim.next = set.next
    this.view.observe(this.partition, set.next)
    this.#host.applied(this.view, set.changes.length)
    if (result.outdated > 0) this.#host.outdated(this.view, result.outdated)
    if (result.dropped > 0) this.#host.dropped(this.view, result.dropped)
    return undefined
  }

  async #refused(result: Exclude<Applied, { outcome: 'applied' }>, begin: bigint): Promise<Seek> {
    if (result.outcome === 'frozen') {
      this.view.noteFrozen(this.partition, true)
      if (this.#claim) this.#claim.next = result.next
      return { seekTo: result.next, frozen: true }
    }
    this.#host.refused(this.view, result.outcome)
    if (result.outcome === 'lost') {
      this.view.observe(this.partition, undefined)
      const next = await this.#takeOver(begin)
      this.#aligned = true
      return { seekTo: next }
    }
    if (result.outcome === 'fenced') {
      // A newer owner is there. Only if Kafka still gives this partition to us, we take it back.
      this.#claim = undefined
    } else if (this.#claim) {
      this.#claim.next = result.next
      this.#aligned = true
    }
    return { seekTo: result.next }
  }

  async #takeOver(begin: bigint): Promise<bigint> {
    const isThere = (await this.#store.status(this.#slot)) !== undefined
    if (!isThere && !(await this.#host.mayBegin(this.view))) {
      throw new ChangelogGoneError(this.view.definition.changelog.topic)
    }
    const indexed = this.view.indexedColumns.length
    const { epoch, next } = await this.#store.claim(this.#slot, begin, this.#host.fence, indexed)
    this.#claim = { epoch, next }
    this.#aligned = false
    this.view.observe(this.partition, next)
    return next
  }

  *#changeSets(records: readonly IncomingRecord[], start: bigint): Generator<ChangeSet> {
    const { recordsPerCallMax, bytesPerCallMax } = this.#settings
    const epoch = this.#claim?.epoch ?? '0'
    const removable = this.view.removableBefore(this.#settings.removalDelayMs)
    const dropBefore = removable === undefined ? undefined : sortable('timestamp', removable)
    let from = start
    let changes: Change[] = []
    let bytes = 0
    let writtenAt = 0
    for (const [index, record] of records.entries()) {
      changes.push(changeOf(record, this.view))
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
      writtenAt = Math.max(writtenAt, record.timestamp)
      const full = changes.length >= recordsPerCallMax || bytes >= bytesPerCallMax
      if (!full && index < records.length - 1) continue
      const next = record.offset + 1n
      yield { epoch, from, next, writtenAt, changes, dropBefore }
      from = next
      changes = []
      bytes = 0
    }
  }

  get #slot() {
    return this.view.slots[this.partition] as NonNullable<(typeof this.view.slots)[number]>
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}
