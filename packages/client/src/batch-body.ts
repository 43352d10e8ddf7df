import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { PendingEvent } from './pending-event.ts'

export interface BatchBody {
  readonly body: string | Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

export interface BatchBodyOptions {
  /** Whether ids go with the events as CloudEvents; else the contract names a field that has them. */
  readonly cloudEvents: boolean
  readonly topic: string
  readonly source: string
  readonly compression: 'none' | 'gzip'
}

const compress = promisify(gzip)

/** The body of one request and the headers that say what it is. */
export async function makeBody(
  events: readonly PendingEvent[],
  options: BatchBodyOptions,
): Promise<BatchBody> {
  const type = options.cloudEvents ? 'application/cloudevents-batch+json' : 'application/x-ndjson'
  const text = options.cloudEvents
    ? cloudEvents(events, options)
    : events.map((event) => event.text).join('\n')
  if (options.compression === 'none') return { body: text, headers: { 'content-type': type } }
  const body = await compress(text, { level: 1 })
  return { body, headers: { 'content-type': type, 'content-encoding': 'gzip' } }
}

/** CloudEvents 1.0, JSON format 4: `source` and `id` identify the event through every retry. */
function cloudEvents(events: readonly PendingEvent[], options: BatchBodyOptions): string {
  const head = `{"specversion":"1.0","source":${JSON.stringify(options.source)},"type":${JSON.stringify(options.topic)},"id":`
  const items = events.map(({ id, text }) => `${head}${JSON.stringify(id)},"data":${text}}`)
  return `[${items.join(',')}]`
}
