import type { ViewDescription } from '../../view-answers.ts'
import { type Command, exitCodes } from '../command.ts'
import { count, showAge } from '../figures.ts'
import { resultsOptions, withResultsClient } from '../service-options.ts'
import { formatTable } from '../table.ts'

export const listViewsCommand: Command = {
  name: 'views',
  arguments: '',
  argumentsMin: 0,
  argumentsMax: 0,
  summary: 'list the views of all live releases, how many rows they have and how fresh they are',
  options: {
    ...resultsOptions,
    json: { type: 'boolean', summary: 'print the list as JSON, with keys and columns' },
  },
  run: ({ options, io }) =>
    withResultsClient(options, io, async (client) => {
      const views = await client.views()
      io.stdout.write(options.flag('json') ? `${JSON.stringify(views)}\n` : viewsTable(views))
      return exitCodes.done
    }),
}

function viewsTable(views: readonly ViewDescription[]): string {
  const header = ['application', 'view', 'release', 'rows', 'state', 'freshness']
  const rows = views.map(({ application, view, release, rows, state, meta }) => [
    application,
    view,
    String(release),
    count(rows),
    state,
    meta === null ? '' : showAge(meta.freshness_ms),
  ])
  return formatTable([header, ...rows], { right: [2, 3, 5] })
}
