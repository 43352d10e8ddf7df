import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Http } from '@kappa/service/http'
import type { ReleaseId } from '../control/releases.ts'
import type { Overview } from '../overview/overview.ts'
import { findReplay } from '../replays/replay-id.ts'
import { type ReplayContext, replayParams } from './replay-context.ts'

const intervalMs = 1_000

export function followReplayRoute(http: Http, { overview }: ReplayContext): void {
  const schema = {
    summary: 'Follow a replay (server-sent events)',
    description:
      'An event `replay` with the same JSON as the replay itself: at once, whenever its state changes, and every second while it goes on. Ends when the client does.',
    tags: ['replays'],
    params: replayParams,
    produces: ['text/event-stream'],
  }
  http.get('/v1/replays/:id/events', { schema }, async ({ params, raw }, reply) => {
    const { application, release } = findReplay(overview.releases, params.id)
    const over = new AbortController()
    raw.once('close', () => over.abort())
    return reply
      .headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      .send(Readable.from(events(overview, { application, release }, over.signal)))
  })
}

async function* events(overview: Overview, id: ReleaseId, signal: AbortSignal) {
  let changed = Promise.withResolvers<void>()
  const unsubscribe = overview.releases.onChange((record) => {
    if (record.application === id.application && record.release === id.release) changed.resolve()
  })
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers<void>()
      const record = overview.releases.get(id)
      yield `event: replay\ndata: ${JSON.stringify(overview.replay(record))}\n\n`
      const waited = delay(intervalMs, undefined, { signal }).catch(() => undefined)
      await Promise.race([changed.promise, waited])
    }
  } finally {
    unsubscribe()
  }
}
