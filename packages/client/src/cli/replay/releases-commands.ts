import type { ReleaseStatus } from '../../release-status.ts'
import { type Command, exitCodes } from '../command.ts'
import { showTime } from '../figures.ts'
import { plainLine } from '../plain-text.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { formatTable } from '../table.ts'
import { parseReleaseId } from './release-id.ts'
import { jsonOption } from './replay-options.ts'
import { stateText } from './state-text.ts'

export const listReleasesCommand: Command = {
  name: 'releases',
  arguments: '[application]',
  argumentsMin: 0,
  argumentsMax: 1,
  summary: 'list all releases; * marks the one that readers get',
  options: { ...replayOptions, ...jsonOption },
  examples: ['kappa releases flights'],
  run: ({ positionals: [application], options, io }) =>
    withReplayClient(options, io, async (client) => {
      const releases = await client.releases.list(application === undefined ? {} : { application })
      // Says so when there is no such application.
      if (application !== undefined && releases.length === 0) {
        await client.applications.get(application)
      }
      io.stdout.write(
        options.flag('json') ? `${JSON.stringify(releases)}\n` : releasesText(releases),
      )
      return exitCodes.done
    }),
}

export const retireCommand: Command = {
  name: 'retire',
  arguments: '<application>-<release>',
  argumentsMin: 1,
  argumentsMax: 1,
  summary: 'delete a release that is not live: cluster, topics, checkpoints, rows',
  options: { ...replayOptions, ...jsonOption },
  examples: ['kappa retire flights-1'],
  run: ({ positionals: [id = ''], options, io }) => {
    const { application, release } = parseReleaseId(id)
    return withReplayClient(options, io, async (client) => {
      const status = await client.releases.retire(application, release)
      const told = `${id} is ${stateText(status.state)}: all that it has is deleted.\n`
      io.stdout.write(options.flag('json') ? `${JSON.stringify(status)}\n` : told)
      return exitCodes.done
    })
  },
}

/** A table, and below it why releases have failed. */
export function releasesText(releases: readonly ReleaseStatus[]): string {
  const rows = releases.map((each) => [
    isLive(each) ? '*' : '',
    `${each.application}-${each.release}`,
    stateText(each.state),
    showTime(each.updated_at),
    showTime(each.keep_until),
    each.cluster?.address ?? '',
    each.folder_differs ? 'differs' : 'same',
  ])
  const header = ['', 'release', 'state', 'since', 'kept until', 'cluster', 'folder']
  const causes = releases
    .filter(({ cause }) => cause !== null)
    .map((each) => `${each.application}-${each.release}: ${plainLine(each.cause ?? '')}\n`)
  return `${formatTable([header, ...rows])}${causes.length === 0 ? '' : `\n${causes.join('')}`}`
}

/** A live release that has failed is still what readers get; an older service does not tell. */
export function isLive({ live, state }: ReleaseStatus): boolean {
  return live ?? state === 'live'
}
