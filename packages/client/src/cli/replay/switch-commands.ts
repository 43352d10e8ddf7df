import type { ReplayClient } from '../../replay-client.ts'
import type { SwitchOutcome } from '../../replay-status.ts'
import { type Command, type CommandInput, exitCodes } from '../command.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { findReplay } from './find-replay.ts'
import { switchText } from './render-switch.ts'
import {
  dryRunOption,
  jsonOption,
  replayArgument,
  replayArgumentText,
  watchOption,
} from './replay-options.ts'
import { watchToLive } from './watch-release.ts'

export const promoteCommand: Command = {
  name: 'promote',
  ...replayArgument,
  summary: 'make the release of a replay the live one',
  description: `Readers see the old release until the moment of the switch, and the new one from then on.

${replayArgumentText}`,
  options: {
    ...replayOptions,
    force: { type: 'boolean', summary: 'whatever the comparison found' },
    ...dryRunOption,
    ...watchOption,
    ...jsonOption,
  },
  examples: ['kappa promote flights-2 --dry-run', 'kappa promote flights-2'],
  run: (input) => {
    const { positionals, options, io } = input
    return withReplayClient(options, io, async (client) => {
      const { id } = await findReplay(client, positionals[0] ?? '')
      const force = options.flag('force') ? { force: true } : {}
      const outcome = await client.replays.promote(id, {
        ...force,
        dryRun: options.flag('dry-run'),
      })
      return tellSwitch(outcome, client, input)
    })
  },
}

export const rollbackCommand: Command = {
  name: 'rollback',
  arguments: '<application>',
  argumentsMin: 1,
  argumentsMax: 1,
  summary: 'bring the release that was live before back',
  description: `A release on standby is back at once; one that was stopped catches up with the log first.`,
  options: {
    ...replayOptions,
    to: { type: 'string', value: '<release>', summary: 'this one (default: the one before)' },
    ...dryRunOption,
    ...watchOption,
    ...jsonOption,
  },
  examples: ['kappa rollback flights', 'kappa rollback flights --to 3 --watch'],
  run: (input) => {
    const { positionals, options, io } = input
    const to = options.integer('to', 1, Number.MAX_SAFE_INTEGER)
    return withReplayClient(options, io, async (client) => {
      const outcome = await client.applications.rollback(positionals[0] ?? '', {
        ...(to === undefined ? {} : { to }),
        dryRun: options.flag('dry-run'),
      })
      return tellSwitch(outcome, client, input)
    })
  },
}

async function tellSwitch(
  outcome: SwitchOutcome,
  client: ReplayClient,
  { options, io }: CommandInput,
): Promise<number> {
  const dryRun = options.flag('dry-run')
  const json = options.flag('json')
  if (json) io.stdout.write(`${JSON.stringify(outcome)}\n`)
  else (outcome.allowed ? io.stdout : io.stderr).write(switchText(outcome, dryRun))
  if (!outcome.allowed) return exitCodes.failed
  if (outcome.done || dryRun) return exitCodes.done
  const { application, to } = outcome
  if (options.flag('watch')) return watchToLive(client, application, to, io, json)
  if (!json) io.stdout.write(`kappa releases ${application} tells when it is live.\n`)
  return exitCodes.done
}
