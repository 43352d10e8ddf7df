import { ConnectionError } from '../../errors.ts'
import { patiently, pause } from '../../patiently.ts'
import type { ReplayClient } from '../../replay-client.ts'
import { isAtRest } from '../../replay-rest.ts'
import type { ReplayStatus } from '../../replay-status.ts'
import { type Command, exitCodes, type Io } from '../command.ts'
import { RedrawnLines } from '../redrawn-lines.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { getIfThere } from './find-replay.ts'
import { replaysTable } from './render-replays.ts'
import { startText, summaryText } from './render-summary.ts'
import { jsonOption, watchOption } from './replay-options.ts'
import { watchToRest } from './watch-run.ts'

/** Where it is redrawn, and where each list is printed below the one before. */
const listIntervalsMs = { terminal: 2_000, plain: 5_000 }
const patience = { timeoutMs: 60_000, retryDelayMsMin: 100, retryDelayMsMax: 2_000 }

export const listReplaysCommand: Command = {
  name: 'replays',
  arguments: '[application|id]',
  argumentsMin: 0,
  argumentsMax: 1,
  summary: 'list replays, the newest first, or show one with what it found',
  options: { ...replayOptions, ...watchOption, ...jsonOption },
  examples: ['kappa replays', 'kappa replays flights --watch', 'kappa replays flights-2'],
  run: ({ positionals: [argument], options, io }) =>
    withReplayClient(options, io, async (client) => {
      const json = options.flag('json')
      const watch = options.flag('watch')
      const one =
        argument === undefined
          ? undefined
          : await getIfThere(() => client.replays.get(argument), argument)
      if (one !== undefined) {
        if (watch) return watchToRest(client, one.id, io, { json })
        io.stdout.write(json ? `${JSON.stringify(one)}\n` : showOne(one))
        return exitCodes.done
      }
      const scope = argument === undefined ? {} : { application: argument }
      const list = (signal?: AbortSignal) => client.replays.list({ ...scope, signal })
      if (watch) return watchList(list, io, json)
      const replays = await list()
      io.stdout.write(json ? `${JSON.stringify(replays)}\n` : replaysTable(replays).join(''))
      return exitCodes.done
    }),
}

function showOne(replay: ReplayStatus): string {
  return `${startText(replay)}\n${summaryText(replay)}`
}

type ListReplays = (signal: AbortSignal) => ReturnType<ReplayClient['replays']['list']>

/** Draws the list again and again, until nothing goes on in it. */
async function watchList(list: ListReplays, io: Io, json: boolean): Promise<number> {
  const abort = new AbortController()
  const { signal } = abort
  const ignore = io.onInterrupt(() => abort.abort())
  const lines = new RedrawnLines(io.stdout)
  const intervalMs = listIntervalsMs[io.stdout.isTTY === true ? 'terminal' : 'plain']
  let last = ''
  try {
    for (;;) {
      const replays = await patiently(() => list(signal), { ...patience, signal })
      const shown = json ? [`${JSON.stringify(replays)}\n`] : replaysTable(replays)
      const text = shown.join('')
      if (json && text !== last) io.stdout.write(text)
      if (!json && text !== last) lines.show(shown.map((line) => line.trimEnd()))
      last = text
      if (replays.every(isAtRest)) break
      await pause(intervalMs, signal)
    }
    return exitCodes.done
  } catch (error) {
    if (!(error instanceof ConnectionError && error.code === 'aborted')) throw error
    lines.keep()
    io.stderr.write('What is listed goes on without being watched.\n')
    return exitCodes.interrupted
  } finally {
    lines.keep()
    ignore()
  }
}
