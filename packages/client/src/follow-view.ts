import { type BackoffOptions, backoffMs } from './backoff.ts'
import { ApiError, ConnectionError } from './errors.ts'
import { isPassing, pause } from './patiently.ts'
import { type ServerSentEvent, serverSentEvents } from './server-sent-events.ts'
import type { CallOptions, Transport } from './transport.ts'

export interface FollowOptions extends CallOptions {
  /** The id of the last event that is known: it goes on after it. Default: all rows are told first. */
  readonly lastEventId?: string
  /** A stream that sends nothing for longer is opened anew. Default 20 seconds. */
  readonly silenceMsMax?: number
  /** Between two streams. Default from 500 ms to 10 seconds. */
  readonly backoff?: BackoffOptions
  /**
   * Told why a stream broke off, or could not be opened, before it is opened anew. What it throws
   * ends the subscription.
   */
  readonly onBreak?: (error: ApiError | ConnectionError) => void
}

/** An event of a followed view, its data as JSON text. */
export interface FollowedEvent {
  readonly type: 'snapshot' | 'row' | 'delete' | 'current' | 'release'
  readonly id: string | undefined
  readonly data: string
}

const eventTypes: readonly string[] = ['snapshot', 'row', 'delete', 'current', 'release']
/** Signs of life come every 5 seconds. */
const silenceMsMaxDefault = 20_000
/** Spreads the followers that lost their streams together. */
const backoffDefault: BackoffOptions = { retryDelayMsMin: 500, retryDelayMsMax: 10_000 }

/**
 * The rows of a view and their changes, for ever. A stream that breaks off, falls silent or is asked
 * to come again is opened anew where it was, without a loss. Ends when `signal` says so.
 *
 * @param path of the changes, with its query
 * @throws ApiError what does not pass: `unknown_view`, `bad_filter`, `bad_cursor`, …
 */
export async function* followView(
  transport: Transport,
  path: string,
  options: FollowOptions = {},
): AsyncGenerator<FollowedEvent> {
  const { signal, backoff = backoffDefault, onBreak } = options
  let lastId = options.lastEventId
  let attempt = 0
  try {
    for (;;) {
      let retryAfterMs: number | undefined
      try {
        for await (const told of streamOnce(transport, path, lastId, options)) {
          // A snapshot that is cut off has to come again as a whole. An empty id says that there is
          // nothing to go on from until the next one.
          if (told.type === 'snapshot' || told.id === '') lastId = undefined
          else if (told.id !== undefined) {
            lastId = told.id
            attempt = 0
          }
          yield told
        }
      } catch (error) {
        if (!isPassing(error)) throw error
        if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error
        if (error instanceof ApiError) retryAfterMs = error.retryAfterMs
        onBreak?.(error)
      }
      await pause(backoffMs(attempt, backoff, retryAfterMs), signal)
      attempt += 1
    }
  } catch (error) {
    if (error instanceof ConnectionError && error.code === 'aborted' && signal?.aborted) return
    throw error
  }
}

/** The events of one stream; returns when the service says that one should come again. */
async function* streamOnce(
  transport: Transport,
  path: string,
  lastId: string | undefined,
  { signal, silenceMsMax = silenceMsMaxDefault }: FollowOptions,
): AsyncGenerator<FollowedEvent> {
  const headers = {
    accept: 'text/event-stream',
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  }
  const bytes = transport.stream(path, headers, silenceMsMax, { signal })
  for await (const told of serverSentEvents(bytes)) {
    if (told.event === 'resume') return
    if (isKnown(told)) yield { type: told.event, id: told.id, data: told.data }
  }
  throw new ConnectionError('no_answer', `${transport.url} ended the stream`)
}

/** A newer service may tell more. */
function isKnown(
  told: ServerSentEvent,
): told is ServerSentEvent & { readonly event: FollowedEvent['type'] } {
  return eventTypes.includes(told.event)
}
