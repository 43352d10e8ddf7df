import type { ReplayClient } from '../../replay-client.ts'
import { isAtRest } from '../../replay-rest.ts'
import type { ReplayStatus } from '../../replay-status.ts'
import { exitCodes, type Io } from '../command.ts'
import { withBar } from '../figures.ts'
import { RedrawnLines } from '../redrawn-lines.ts'
import { restExitCode } from './outcome.ts'
import { progressLine } from './render-progress.ts'
import { summaryText } from './render-summary.ts'

/** Where nothing is redrawn. */
const lineIntervalMs = 5_000
/** A promotion that does not come about is tried again every few seconds. */
const promotionMsMaxDefault = 60_000

export interface WatchSettings {
  readonly json: boolean
  /** Whether it has come to what is waited for. Default: it rests. */
  readonly isDone?: (replay: ReplayStatus) => boolean
  /** One that is ready for longer is told as it is. */
  readonly promotionMsMax?: number
}

/**
 * Tells how a replay goes on until it rests, then what became of it. Ctrl-C ends the watching, not
 * the replay.
 *
 * @returns the exit code
 * @throws ApiError, ConnectionError it is not to be seen any more
 */
export async function watchToRest(
  client: ReplayClient,
  id: string,
  io: Io,
  { json, isDone = isAtRest, promotionMsMax = promotionMsMaxDefault }: WatchSettings,
): Promise<number> {
  const abort = new AbortController()
  const ignore = io.onInterrupt(() => abort.abort())
  const show = json ? jsonLines(io) : progressLines(io)
  let readySinceMs: number | undefined
  try {
    for await (const replay of client.replays.watch(id, { signal: abort.signal })) {
      show.status(replay)
      readySinceMs = replay.state === 'ready' ? (readySinceMs ?? performance.now()) : undefined
      const readyMs = readySinceMs === undefined ? 0 : performance.now() - readySinceMs
      if (!isDone(replay) && readyMs < promotionMsMax) continue
      show.end()
      if (!json) io.stdout.write(summaryText(replay))
      return restExitCode(replay)
    }
  } finally {
    ignore()
    show.end()
  }
  io.stderr.write(
    `${id} goes on without being watched. kappa replays ${id} --watch watches it again, kappa cancel ${id} ends it.\n`,
  )
  return exitCodes.interrupted
}

interface Shown {
  status(replay: ReplayStatus): void
  end(): void
}

/** Each status that differs from the one before. */
function jsonLines(io: Io): Shown {
  let last = ''
  return {
    status(replay) {
      const line = JSON.stringify(replay)
      if (line !== last) io.stdout.write(`${line}\n`)
      last = line
    },
    end: () => undefined,
  }
}

/** A bar on a terminal; elsewhere a line for every new state, and every few seconds. */
function progressLines({ stderr }: Io): Shown {
  const lines = new RedrawnLines(stderr)
  let [lastState, lastAtMs] = ['', 0]
  return {
    status(replay) {
      const { state, progress } = replay
      const nowMs = performance.now()
      if (stderr.isTTY !== true && state === lastState && nowMs - lastAtMs < lineIntervalMs) return
      lastState = state
      lastAtMs = nowMs
      const text = progressLine(replay)
      const bar = stderr.isTTY === true && progress !== null
      lines.show([bar ? withBar(progress.percent / 100, text, lines.columns) : text])
    },
    end: () => lines.end(),
  }
}
