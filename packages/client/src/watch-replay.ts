import { type BackoffOptions, backoffMs } from './backoff.ts'
import { ApiError, ConnectionError } from './errors.ts'
import { isPassing, patiently, pause } from './patiently.ts'
import type { ReplayStatus } from './replay-status.ts'
import { serverSentEvents } from './server-sent-events.ts'
import type { CallOptions, Transport } from './transport.ts'

export interface WatchOptions extends CallOptions {
  /** A stream that sends nothing for longer is opened anew. Default 15 seconds. */
  readonly silenceMsMax?: number
  /** How often it is asked where streams do not work. Default every 2 seconds. */
  readonly pollingMs?: number
  /** No status for longer ends the watch with the last error. Default 60 seconds. */
  readonly lostMsMax?: number
}

/** Streams in a row that brought nothing, after which there is only polling. */
const emptyStreamsMax = 3
const askingBackoff: BackoffOptions = { retryDelayMsMin: 100, retryDelayMsMax: 2_000 }
/** Spreads the watchers that lost their streams together. */
const reopeningBackoff: BackoffOptions = { retryDelayMsMin: 500, retryDelayMsMax: 500 }

/**
 * The statuses of a replay as they come, for ever: the reader decides when it has seen enough. A
 * stream that breaks off is opened anew; between two of them, and in place of streams where they do
 * not work (a proxy holds them back), the status is asked for. Ends when `signal` says so.
 *
 * @throws ApiError `unknown_replay` and what else does not pass
 * @throws ConnectionError, ApiError no status came for `lostMsMax`
 */
export async function* watchReplay(
  transport: Transport,
  path: string,
  options: WatchOptions = {},
): AsyncGenerator<ReplayStatus> {
  const { signal, silenceMsMax = 15_000, pollingMs = 2_000, lostMsMax = 60_000 } = options
  const ask = () => transport.get(path, { signal }) as Promise<ReplayStatus>
  let emptyStreams = 0
  try {
    for (;;) {
      let streamed = false
      if (emptyStreams < emptyStreamsMax) {
        try {
          for await (const status of statuses(transport, path, silenceMsMax, signal)) {
            streamed = true
            yield status
          }
        } catch (error) {
          // What a service refuses for good, it refuses below as well.
          if (!isPassing(error) && !(error instanceof ApiError)) throw error
        }
        emptyStreams = streamed ? 0 : emptyStreams + 1
      }
      yield await patiently(ask, { ...askingBackoff, timeoutMs: lostMsMax, signal })
      await pause(streamed ? backoffMs(0, reopeningBackoff) : pollingMs, signal)
    }
  } catch (error) {
    if (error instanceof ConnectionError && error.code === 'aborted' && signal?.aborted) return
    throw error
  }
}

async function* statuses(
  transport: Transport,
  path: string,
  silenceMsMax: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReplayStatus> {
  const headers = { accept: 'text/event-stream' }
  const bytes = transport.stream(`${path}/events`, headers, silenceMsMax, { signal })
  for await (const { event, data } of serverSentEvents(bytes)) {
    if (event === 'replay') yield parseStatus(data)
  }
}

function parseStatus(data: string): ReplayStatus {
  try {
    return JSON.parse(data) as ReplayStatus
  } catch (cause) {
    throw new ConnectionError('no_answer', 'an event of the stream is not JSON', { cause })
  }
}
