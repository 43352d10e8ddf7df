import type { OptionSpecs } from '../command.ts'

export const jsonOption = {
  json: { type: 'boolean', summary: 'print JSON; with --watch a line for every change' },
} as const satisfies OptionSpecs

export const watchOption = {
  watch: { type: 'boolean', short: 'w', summary: 'stay and tell what goes on, until it rests' },
} as const satisfies OptionSpecs

export const dryRunOption = {
  'dry-run': { type: 'boolean', summary: 'only tell what would happen' },
} as const satisfies OptionSpecs

/** Arguments of commands about one replay. */
export const replayArgument = { arguments: '<id>', argumentsMin: 1, argumentsMax: 1 } as const
export const replayArgumentText = `<id> is <application>-<release>, as kappa replays lists it; the application alone will do when one
replay of it is under way.`
