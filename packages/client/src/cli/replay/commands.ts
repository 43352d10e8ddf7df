import type { Command } from '../command.ts'
import { listApplicationsCommand } from './applications-command.ts'
import { compareCommand } from './compare-command.ts'
import { diffCommand } from './diff-command.ts'
import { orphansCommand } from './orphans-command.ts'
import { listReleasesCommand, retireCommand } from './releases-commands.ts'
import { cancelCommand, pauseCommand, resumeCommand } from './replay-actions.ts'
import { replayCommand } from './replay-command.ts'
import { listReplaysCommand } from './replays-command.ts'
import { promoteCommand, rollbackCommand } from './switch-commands.ts'

/** What talks to the replay service, in the order of a replay's life. */
export const replayCommands: readonly Command[] = [
  listApplicationsCommand,
  diffCommand,
  replayCommand,
  listReplaysCommand,
  pauseCommand,
  resumeCommand,
  cancelCommand,
  compareCommand,
  promoteCommand,
  rollbackCommand,
  listReleasesCommand,
  retireCommand,
  orphansCommand,
]
