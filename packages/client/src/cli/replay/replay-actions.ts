import type { ReplayClient } from '../../replay-client.ts'
import type { ReleaseState, ReplayStatus } from '../../replay-status.ts'
import { type Command, exitCodes } from '../command.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { findReplay } from './find-replay.ts'
import { jsonOption, replayArgument, replayArgumentText, watchOption } from './replay-options.ts'
import { stateText } from './state-text.ts'
import { watchToRest } from './watch-run.ts'

interface Action {
  readonly name: 'pause' | 'resume' | 'cancel'
  readonly summary: string
  /** What was asked for, after the replay's id. */
  readonly told: string
  readonly next?: (id: string) => string
  readonly alsoMeant: readonly ReleaseState[]
  readonly watched?: true
}

const action = ({ name, summary, told, next, alsoMeant, watched }: Action): Command => ({
  name,
  ...replayArgument,
  summary,
  description: replayArgumentText,
  options: { ...replayOptions, ...(watched ? watchOption : {}), ...jsonOption },
  run: ({ positionals: [argument = ''], options, io }) =>
    withReplayClient(options, io, async (client) => {
      const { id } = await findReplay(client, argument, alsoMeant)
      const replay = await ask(client, name, id)
      const json = options.flag('json')
      if (options.flag('watch')) return watchToRest(client, id, io, { json })
      if (json) io.stdout.write(`${JSON.stringify(replay)}\n`)
      else {
        io.stdout.write(`${id} ${told} It is ${stateText(replay.state)} now.\n`)
        if (next !== undefined) io.stdout.write(`${next(id)}\n`)
      }
      return exitCodes.done
    }),
})

function ask({ replays }: ReplayClient, name: Action['name'], id: string): Promise<ReplayStatus> {
  switch (name) {
    case 'pause':
      return replays.pause(id)
    case 'resume':
      return replays.resume(id)
    case 'cancel':
      return replays.cancel(id)
  }
}

export const pauseCommand = action({
  name: 'pause',
  summary: 'stop the cluster of a replay; its checkpoints stay',
  told: 'pauses: its cluster is stopped, its checkpoints stay.',
  next: (id) => `kappa resume ${id} goes on.`,
  alsoMeant: [],
})

export const resumeCommand = action({
  name: 'resume',
  summary: 'let a paused or failed replay go on from its checkpoints',
  told: 'goes on from its checkpoints.',
  next: (id) => `kappa replays ${id} --watch tells how.`,
  alsoMeant: ['failed'],
  watched: true,
})

export const cancelCommand = action({
  name: 'cancel',
  summary: 'end a replay and delete what it has built',
  told: 'is cancelled: what it has built is deleted.',
  alsoMeant: ['failed'],
})
