import { ConnectionError } from '../../errors.ts'
import { patiently, pause } from '../../patiently.ts'
import type { ReleaseStatus } from '../../release-status.ts'
import type { ReplayClient } from '../../replay-client.ts'
import { exitCodes, type Io } from '../command.ts'
import { count } from '../figures.ts'
import { plainText } from '../plain-text.ts'
import { RedrawnLines } from '../redrawn-lines.ts'
import { isLive } from './releases-commands.ts'
import { stateText } from './state-text.ts'

const intervalMs = 1_000
const patience = { timeoutMs: 60_000, retryDelayMsMin: 100, retryDelayMsMax: 2_000 }

/**
 * Tells how a release that was stopped catches up, until it is live or cannot be. Ctrl-C ends the
 * watching, not the switch.
 *
 * @returns the exit code
 * @throws ApiError, ConnectionError it is not to be seen any more
 */
export async function watchToLive(
  client: ReplayClient,
  application: string,
  number: number,
  io: Io,
  json: boolean,
): Promise<number> {
  const abort = new AbortController()
  const { signal } = abort
  const ignore = io.onInterrupt(() => abort.abort())
  const lines = new RedrawnLines(io.stderr)
  const ask = () => client.releases.get(application, number, { signal })
  let last = ''
  try {
    for (;;) {
      const release = await patiently(ask, { ...patience, signal })
      const text = json ? JSON.stringify(release) : lineOf(release)
      if (text !== last && json) io.stdout.write(`${text}\n`)
      if (text !== last && !json) lines.show([text])
      last = text
      const code = endOf(release)
      if (code !== undefined) {
        lines.end()
        if (!json) (code === exitCodes.done ? io.stdout : io.stderr).write(endText(release))
        return code
      }
      await pause(intervalMs, signal)
    }
  } catch (error) {
    if (!(error instanceof ConnectionError && error.code === 'aborted')) throw error
    lines.end()
    io.stderr.write(
      `${application}-${number} goes on without being watched: kappa releases ${application} tells how.\n`,
    )
    return exitCodes.interrupted
  } finally {
    lines.end()
    ignore()
  }
}

function endOf(release: ReleaseStatus): number | undefined {
  const { state, switching } = release
  if (state === 'live' || (state !== 'failed' && isLive(release))) return exitCodes.done
  const isOver = ['failed', 'retired', 'cancelled'].includes(state) || !switching
  return isOver ? exitCodes.failed : undefined
}

function lineOf({ application, release, state, views }: ReleaseStatus): string {
  const lag = Math.max(0, ...views.map(({ lag_events }) => lag_events ?? 0))
  return `${application}-${release} ${stateText(state)}: lag ${count(lag)}`
}

function endText({ application, release, state, cause, note }: ReleaseStatus): string {
  if (state === 'live') return `${application}: release ${release} is live now.\n`
  const told = cause ?? note
  const why = told === null ? '' : `: ${plainText(told)}`
  return `${application}: release ${release} is ${stateText(state)}, not live${why}\n`
}
