import type { ApplicationStatus } from '../../release-status.ts'
import { isUnderWay } from '../../replay-rest.ts'
import { type Command, exitCodes } from '../command.ts'
import { count } from '../figures.ts'
import { plainText } from '../plain-text.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { formatTable } from '../table.ts'
import { isLive } from './releases-commands.ts'
import { jsonOption } from './replay-options.ts'
import { stateText } from './state-text.ts'

export const listApplicationsCommand: Command = {
  name: 'applications',
  arguments: '',
  argumentsMin: 0,
  argumentsMax: 0,
  summary: 'list applications, their live releases and what goes on beside them',
  options: { ...replayOptions, ...jsonOption },
  run: ({ options, io }) =>
    withReplayClient(options, io, async (client) => {
      const applications = await client.applications.list()
      io.stdout.write(
        options.flag('json') ? `${JSON.stringify(applications)}\n` : applicationsText(applications),
      )
      return exitCodes.done
    }),
}

/** A table, and below it what is wrong with the files of applications. */
export function applicationsText(applications: readonly ApplicationStatus[]): string {
  const rows = applications.map(({ application, releases }) => {
    const live = releases.find(isLive)
    const beside = releases
      .filter((each) => each !== live && isUnderWay(each.state))
      .map(({ release, state }) => `${release} ${stateText(state)}`)
    const lags = live?.views.map(({ lag_events }) => lag_events ?? 0) ?? []
    return [
      application,
      live === undefined ? '-' : String(live.release),
      live === undefined ? '' : stateText(live.state),
      live === undefined ? '' : String(live.views.length),
      lags.length === 0 ? '' : count(Math.max(...lags)),
      live === undefined ? '' : live.folder_differs ? 'differs' : 'same',
      beside.join(', '),
    ]
  })
  const header = ['application', 'live', 'state', 'views', 'lag', 'folder', 'beside it']
  const problems = applications.flatMap(({ application, problems }) =>
    problems.map((problem) => `${application}: ${plainText(problem)}\n`),
  )
  const table = formatTable([header, ...rows], { right: [1, 3, 4] })
  return `${table}${problems.length === 0 ? '' : `\n${problems.join('')}`}`
}
