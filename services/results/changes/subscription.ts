import type { OffsetsByPartition } from '@kappa/applications/offsets'
import type { LivePointer } from '@kappa/applications/records'
import { KafkaError } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import { answerMeta } from '../answers/answer-meta.ts'
import { type RowShape, rowShape } from '../answers/row-shape.ts'
import type { FollowSettings } from '../config.ts'
import { hasReached } from '../control/told-position.ts'
import { changeOf, keyValuesOf } from '../loading/changelog-record.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import type { ReadableReleases } from '../loading/readable-releases.ts'
import type { Catalogue } from '../reading/catalogue.ts'
import { readApplied } from '../reading/read-entries.ts'
import { type Asked, type ReadingParts, readRows } from '../reading/read-rows.ts'
import { type ChangeCursor, encodeChangeCursor } from './change-cursor.ts'
import { eventText, keyJson, keyJsonOfRow, rowData, signOfLife } from './change-events.ts'
import type { ChangeFeed } from './change-feed.ts'
import type { ChangeFeeds } from './change-feeds.ts'
import { type ChangeFilter, changeFilter } from './change-filter.ts'
import { haveSameKeys, releaseDiff } from './release-diff.ts'
import { storedRow } from './stored-row.ts'

export interface SubscriptionParts extends ReadingParts {
  readonly catalogue: Catalogue
  readonly releases: Pick<ReadableReleases, 'view'>
  readonly feeds: ChangeFeeds
  readonly follow: Pick<FollowSettings, 'heartbeatMs' | 'slowReaderMs'>
}

/** Deletions are told for a day at least (Kafka's `delete.retention.ms`): no id older than half of it goes on. */
const resumableMs = 12 * 3_600_000
/** As many of one follower are in memory while its connection takes them. */
const recordsPerReadMax = 100
const pageRowsMax = 1_000
const retryMs = 50
/** Until the next id there is nothing to go on from: what is cut off comes again as a whole. */
const noId = ''

/**
 * What a client that follows a view is sent: all rows, then each change, in events whose ids tell where
 * to go on. When the live release changes it gets the rows that differ, and then the changes of that one.
 *
 * `digest` is of what is asked, to be a part of the ids; `from` is what the client has already.
 * @throws ServiceError as a query of the view
 */
export class Subscription {
  readonly #parts: SubscriptionParts
  readonly #asked: Asked
  readonly #signal: AbortSignal
  readonly #digest: string
  #cursor: ChangeCursor | undefined
  /** Of each partition, the newest batch that was told, epoch ms. */
  #newestBatch: number[] = []
  #lastToken = ''
  #lastEventAt = Date.now()

  constructor(
    parts: SubscriptionParts,
    asked: Asked,
    { digest, from }: { readonly digest: string; readonly from: ChangeCursor | undefined },
    signal: AbortSignal,
  ) {
    this.#parts = parts
    this.#digest = digest
    this.#asked = { ...asked, order: 'key' }
    this.#signal = signal
    const isOld = from !== undefined && Date.now() - from.at > resumableMs
    this.#cursor = isOld ? undefined : from
  }

  async *events(): AsyncGenerator<string> {
    yield 'retry: 1000\n\n'
    while (!this.#signal.aborted) {
      const live = this.#parts.catalogue.live(this.#asked.application)
      if (await this.#isBehind(live)) {
        await this.#parts.control.change(retryMs)
        if (this.#isQuiet) yield this.#sent(signOfLife)
        continue
      }
      const cursor = this.#cursor
      if (cursor === undefined || !this.#isKnown(cursor)) yield* this.#snapshot()
      else if (cursor.release !== live.release) yield* this.#switch(cursor, live)
      const outcome = yield* this.#follow()
      if (outcome === 'slow') {
        yield resumeEvent('What was sent was taken too slowly; go on from the last id.')
        return
      }
    }
    yield resumeEvent('The service stops; go on from the last id, here or at another instance.')
  }

  /** Whether another instance knows of a newer switch: a client that comes from there goes not back. */
  async #isBehind({ application, epoch }: LivePointer): Promise<boolean> {
    try {
      const { pointer } = await this.#parts.store.pointer(application)
      return pointer !== undefined && pointer.epoch > epoch
    } catch {
      // Changes come from Kafka; rows are not told without Redis anyway.
      return false
    }
  }

  /** Whether what the client has can still be told apart: its release is loaded, its offsets are there. */
  #isKnown({ release, next }: ChangeCursor): boolean {
    const { application, view } = this.#asked
    const loaded = this.#parts.releases.view(application, release, view)
    return loaded !== undefined && loaded.slots.length === next.length
  }

  async *#snapshot(): AsyncGenerator<string> {
    const { live, store } = this.#parts
    const { application, view: name } = this.#asked
    // Taken before the rows are read: what changes meanwhile is told after them.
    const read = await live.readView(application, name, { turns: 'one' }, (view, answer) =>
      readApplied(store, view, answer),
    )
    const { view } = read
    const keyShape = rowShape(view, { columns: view.definition.key.join(',') })
    const meta = answerMeta(this.#parts.control, view, read.declared).json
    this.#cursor = undefined
    yield this.#sent(eventText('snapshot', meta, noId))
    let cursor: string | undefined
    do {
      const rows = await this.#page(cursor)
      if (rows === 'changed' || rows.view.release !== view.release) return
      const events = rows.page.rows.map((row) =>
        eventText('row', rowData(keyJsonOfRow(keyShape, row), rows.shape, row)),
      )
      yield this.#sent(events.length > 0 ? events.join('') : signOfLife)
      cursor = rows.cursor
    } while (cursor !== undefined)
    this.#begin(view.release, read.result)
  }

  async #page(cursor: string | undefined) {
    try {
      return await readRows(this.#parts, this.#asked, { limit: pageRowsMax, cursor })
    } catch (error) {
      // It begins again, with the rows of the release that is live now.
      if (error instanceof ServiceError && error.code === 'release_changed') return 'changed'
      throw error
    }
  }

  async *#switch(from: ChangeCursor, live: LivePointer): AsyncGenerator<string> {
    const { application, view: name, filters, shape } = this.#asked
    const old = this.#parts.releases.view(application, from.release, name)
    const now = this.#parts.catalogue.view(live, name)
    yield this.#sent(
      eventText('release', JSON.stringify({ from: from.release, to: live.release }), noId),
    )
    this.#cursor = undefined
    if (old === undefined || !haveSameKeys(old, now)) return
    if (!(await this.#isCovered(old, now, from.next))) return
    const { feed, release } = await this.#parts.feeds.lease(old)
    const parts = { store: this.#parts.store, old, now, from: from.next, feed, filters, shape }
    const differing = releaseDiff(parts)
    try {
      while (!this.#signal.aborted) {
        const { done, value } = await differing.next()
        if (done === true) {
          this.#begin(live.release, value)
          return
        }
        yield this.#sent(value)
      }
    } finally {
      release()
      await differing.return([])
    }
  }

  #begin(release: number, next: readonly bigint[]): void {
    this.#cursor = { release, next, at: Date.now(), asked: this.#digest }
    this.#newestBatch = []
    this.#lastToken = ''
  }

  /**
   * Whether the new rows hold all that the client has of the old ones, which may have gone on before
   * this instance heard of the switch: nothing goes backwards.
   */
  async #isCovered(old: LoadedView, now: LoadedView, next: readonly bigint[]): Promise<boolean> {
    const { control, settings } = this.#parts
    const deadline = Date.now() + settings.switchWaitMs
    while (!this.#signal.aborted && Date.now() < deadline) {
      const { newest } = old.positions
      const covers = newest && isAtOrAfter(newest.changelog, next)
      const reached = now.declared()?.record.sources
      if (covers && reached && hasReached(reached, newest.sources)) return true
      await control.change(retryMs)
    }
    return false
  }

  /** Tells changes until the live release is another one, or the reader is too slow. */
  async *#follow(): AsyncGenerator<string, 'slow' | undefined> {
    const cursor = this.#cursor
    if (cursor === undefined) return undefined
    const { catalogue, feeds, follow } = this.#parts
    const { application, view: name, filters, shape } = this.#asked
    const view = this.#parts.releases.view(application, cursor.release, name)
    if (view === undefined) return undefined
    const filter = changeFilter(view, filters)
    const written = rowShape(view, shape)
    const lease = await feeds.lease(view)
    const next = [...cursor.next]
    try {
      while (!this.#signal.aborted) {
        let isBusy = false
        for (const partition of next.keys()) {
          const { events, moved } = await this.#changes(
            lease.feed,
            partition,
            next,
            filter,
            written,
          )
          isBusy ||= moved
          if (events === '') continue
          const sentAt = Date.now()
          yield this.#sent(events)
          if (Date.now() - sentAt > follow.slowReaderMs) return 'slow'
        }
        this.#cursor = { ...cursor, next: [...next], at: Date.now() }
        if (lease.feed.failure !== undefined) throw lease.feed.failure
        if (catalogue.live(application).release !== cursor.release) return undefined
        const current = this.#current(view, next)
        if (current !== undefined) yield this.#sent(current)
        else if (this.#isQuiet) yield this.#sent(signOfLife)
        if (!isBusy) await lease.feed.changed(follow.heartbeatMs, this.#signal)
      }
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== 'offset_out_of_range') throw error
      // The changelog does not go back that far: all rows are told instead.
      this.#cursor = undefined
    } finally {
      lease.release()
    }
    return undefined
  }

  async #changes(
    feed: ChangeFeed,
    partition: number,
    next: bigint[],
    filter: ChangeFilter,
    shape: RowShape,
  ): Promise<{ events: string; moved: boolean }> {
    const from = next[partition] ?? 0n
    const read = await feed.read(partition, from, recordsPerReadMax)
    let events = ''
    for (const record of read.records) {
      next[partition] = record.offset + 1n
      const change = changeOf(record, feed.view)
      if (!filter.passesKey(change.key)) continue
      const key = keyJson(feed.view, keyValuesOf(record, feed.view))
      const stored = this.#isOutdated(partition, Number(change.batch))
        ? await storedRow(this.#parts.store, feed.view, record, change.key)
        : { indexed: change.indexed, row: change.row }
      const id = this.#idOf(feed.view, next)
      events +=
        stored?.row && filter.passesRow(stored)
          ? eventText('row', rowData(key, shape, stored.row), id)
          : eventText('delete', `{"key":${key}}`, id)
    }
    if (read.next > (next[partition] ?? 0n)) next[partition] = read.next
    return { events, moved: read.next > from }
  }

  /** What is told when a position is reached, and when there has been nothing to tell for a while. */
  #current(view: LoadedView, next: readonly bigint[]): string | undefined {
    const declared = view.declared()
    if (declared === undefined) return undefined
    const { changelog } = declared.record
    const isReached = next.every((offset, partition) => offset >= BigInt(changelog[partition] ?? 0))
    if (!isReached || (declared.token === this.#lastToken && !this.#isQuiet)) return undefined
    this.#lastToken = declared.token
    const { json } = answerMeta(this.#parts.control, view, declared)
    return eventText('current', json, this.#idOf(view, next))
  }

  /**
   * Whether a record is of an older batch than one before it: a task that should have ended wrote it.
   * Rows do not take it, so what Redis has of its key is told instead.
   */
  #isOutdated(partition: number, batch: number): boolean {
    const newest = this.#newestBatch[partition] ?? 0
    if (batch < newest) return true
    this.#newestBatch[partition] = batch
    return false
  }

  #idOf({ release }: LoadedView, next: readonly bigint[]): string {
    return encodeChangeCursor({ release, next, at: Date.now(), asked: this.#digest })
  }

  get #isQuiet(): boolean {
    return Date.now() - this.#lastEventAt >= this.#parts.follow.heartbeatMs
  }

  #sent(events: string): string {
    this.#lastEventAt = Date.now()
    return events
  }
}

function isAtOrAfter(ends: OffsetsByPartition, next: readonly bigint[]): boolean {
  return next.every((offset, partition) => BigInt(ends[partition] ?? 0) >= offset)
}

function resumeEvent(message: string): string {
  return eventText('resume', JSON.stringify({ message }))
}
