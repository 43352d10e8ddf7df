import type { Orphan } from '../../release-status.ts'
import { type Command, exitCodes } from '../command.ts'
import { countOf } from '../figures.ts'
import { plainLine } from '../plain-text.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { formatTable } from '../table.ts'
import { jsonOption } from './replay-options.ts'

export const orphansCommand: Command = {
  name: 'orphans',
  arguments: '',
  argumentsMin: 0,
  argumentsMax: 0,
  summary: 'list topics, checkpoints and rows that belong to no release any more',
  options: {
    ...replayOptions,
    remove: { type: 'boolean', summary: 'delete them' },
    ...jsonOption,
  },
  run: ({ options, io }) =>
    withReplayClient(options, io, async (client) => {
      const remove = options.flag('remove')
      const found = await (remove ? client.releases.removeOrphans() : client.releases.orphans())
      if (options.flag('json')) io.stdout.write(`${JSON.stringify(found)}\n`)
      else {
        io.stdout.write(orphansText(found))
        io.stdout.write(summary(found.length, remove))
      }
      return exitCodes.done
    }),
}

function orphansText(orphans: readonly Orphan[]): string {
  if (orphans.length === 0) return ''
  const rows = orphans.map(({ kind, name, application, release }) => [
    kind,
    `${application}-${release}`,
    plainLine(name),
  ])
  return formatTable([['kind', 'release', 'name'], ...rows])
}

function summary(found: number, removed: boolean): string {
  if (removed) return `${countOf(found, 'orphan')} removed.\n`
  return found === 0 ? 'No orphans.\n' : `kappa orphans --remove deletes them.\n`
}
