import assert from 'node:assert/strict'
import { get, type Reply, type Row, sourceOf } from './fixture.ts'

/** What all readers together have been answered, and when the switches began. */
export interface Seen {
  /** Newest epoch that an answer showed. */
  epoch: number
  /** Newest position by view. */
  readonly positions: Map<string, number>
  /** Newest value by view and key. */
  readonly values: Map<string, number>
  /** Release that goes live with an epoch, and when its commit began. */
  readonly releaseOf: (epoch: number) => number
  readonly committedFrom: readonly number[]
  answers: number
  longestMs: number
}

/**
 * Asks for rows, pages and lists in turn, of one instance after the other, until stopped. Whatever
 * any reader was answered before a request began must be in its answer, or something newer.
 */
export async function readUntil(
  isStopped: () => boolean,
  urls: readonly string[],
  application: string,
  views: readonly string[],
  keys: number,
  seen: Seen,
): Promise<void> {
  for (let turn = 0; !isStopped(); turn += 1) {
    const url = urls[turn % urls.length] ?? ''
    const view = views[turn % views.length] ?? ''
    const path = `/v1/views/${application}/${view}`
    const kinds = [path, `${path}/rows/${turn % keys}`, '/v1/views', `${path}?limit=7&order=-key`]
    const kind = Math.floor(turn / 4) % kinds.length
    const before = {
      epoch: seen.epoch,
      positions: new Map(seen.positions),
      values: new Map(seen.values),
    }
    const start = performance.now()
    const reply = await get(url, kinds[kind] ?? '')
    seen.longestMs = Math.max(seen.longestMs, performance.now() - start)
    assert.equal(reply.status, 200, `${kinds[kind]}: ${JSON.stringify(reply.body)}`)
    if (kind === 2) checkList(reply, application, views, before, seen)
    else checkRows(reply, view, kind === 1 ? [reply.body.row] : reply.body.rows, before, seen)
    seen.answers += 1
  }
}

type Before = Pick<Seen, 'epoch' | 'positions' | 'values'>

function checkRows(reply: Reply, view: string, rows: Row[], before: Before, seen: Seen): void {
  const { release } = reply.body.meta
  checkRelease(release, before, seen)
  checkPosition(view, sourceOf(reply), before, seen)
  assert.ok(rows.length > 0, 'no rows')
  for (const row of rows) {
    assert.equal(row.release, release, 'a row of another release')
    const value = Number(row.n)
    assert.ok(value >= sourceOf(reply), `row ${value} is older than position ${sourceOf(reply)}`)
    const key = `${view}/${row.id}`
    const known = before.values.get(key) ?? 0
    assert.ok(value >= known, `${key} goes back from ${known} to ${value}`)
    seen.values.set(key, Math.max(value, seen.values.get(key) ?? 0))
  }
}

function checkList(
  reply: Reply,
  application: string,
  views: readonly string[],
  before: Before,
  seen: Seen,
): void {
  const mine = reply.body.views.filter((view) => view.application === application)
  assert.deepEqual(
    mine.map(({ view }) => view),
    views,
  )
  const [release, ...others] = new Set(mine.map((view) => Number(view.release)))
  assert.deepEqual(others, [], 'a list of two releases')
  checkRelease(release ?? 0, before, seen)
  for (const { view, state, meta } of mine) {
    assert.equal(state, 'ready')
    const { position } = meta as { position: string }
    const { events } = JSON.parse(Buffer.from(position, 'base64url').toString()).topics
    checkPosition(String(view), Number(events['0']), before, seen)
  }
}

/** With two releases in turn, an answer of the other one is of the next epoch or of the last. */
function checkRelease(release: number, before: Before, seen: Seen): void {
  const epoch = seen.releaseOf(before.epoch) === release ? before.epoch : before.epoch + 1
  assert.ok(
    seen.committedFrom[epoch] !== undefined,
    `release ${release} after epoch ${before.epoch} was answered: it was live before that`,
  )
  seen.epoch = Math.max(seen.epoch, epoch)
}

function checkPosition(view: string, source: number, before: Before, seen: Seen): void {
  const known = before.positions.get(view) ?? 0
  assert.ok(source >= known, `position of ${view} goes back from ${known} to ${source}`)
  seen.positions.set(view, Math.max(source, seen.positions.get(view) ?? 0))
}
