import { isAtRest } from '../../replay-rest.ts'
import type { ReplayStatus } from '../../replay-status.ts'
import { type Command, exitCodes } from '../command.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { declaredOptions, readDeclared } from './declared-differences.ts'
import { findReplay } from './find-replay.ts'
import { jsonOption, replayArgument, replayArgumentText, watchOption } from './replay-options.ts'
import { watchToRest } from './watch-run.ts'

export const compareCommand: Command = {
  name: 'compare',
  ...replayArgument,
  summary: 'compare the rows of a replay with the live ones again',
  description: `Differences that are declared here are expected from now on, in place of those of before.
With --watch it waits for what is found, and ends with 1 when rows differ that were not declared.
kappa replays <id> shows what was found last.

${replayArgumentText}`,
  options: { ...replayOptions, ...declaredOptions, ...watchOption, ...jsonOption },
  examples: [
    'kappa compare flights-2 --watch',
    'kappa compare flights-2 --watch --expect-columns carrier_hours.delayed',
  ],
  run: ({ positionals: [argument = ''], options, io }) => {
    const declared = readDeclared(options)
    return withReplayClient(options, io, async (client) => {
      const before = await findReplay(client, argument)
      const { id } = before
      const asked = await client.replays.compare(id, declared)
      const json = options.flag('json')
      if (options.flag('watch')) {
        return watchToRest(client, id, io, { json, isDone: afterComparing(before) })
      }
      if (json) io.stdout.write(`${JSON.stringify(asked)}\n`)
      else {
        io.stdout.write(`${id} is compared with the live release again.\n`)
        io.stdout.write(`kappa replays ${id} --watch tells what is found.\n`)
      }
      return exitCodes.done
    })
  },
}

/** A first status may still be the one from before: it rests with the comparison that is known. */
function afterComparing({ comparison }: ReplayStatus): (replay: ReplayStatus) => boolean {
  let compares = false
  return (replay) => {
    compares ||= replay.state === 'comparing'
    if (!isAtRest(replay)) return false
    const isNew = replay.comparison?.compared_at !== comparison?.compared_at
    return replay.state !== 'ready' || compares || isNew
  }
}
