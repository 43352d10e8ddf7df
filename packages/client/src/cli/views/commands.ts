import type { Command } from '../command.ts'
import { queryCommand } from './query-command.ts'
import { tailCommand } from './tail-command.ts'
import { listViewsCommand } from './views-command.ts'

/** What talks to the results service. */
export const viewCommands: readonly Command[] = [listViewsCommand, queryCommand, tailCommand]
