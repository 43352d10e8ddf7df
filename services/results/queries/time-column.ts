import type { ViewColumn } from '@kappa/applications/view-plan'
import { ServiceError } from '@kappa/service/errors'
import type { LoadedView } from '../loading/loaded-view.ts'

/** @throws ServiceError `bad_filter` for a view that declares no time */
export function requireTimeColumn(view: LoadedView, parameter: string): ViewColumn {
  if (view.timeColumn) return view.timeColumn
  throw new ServiceError(
    'bad_filter',
    `"${parameter}" needs a time column, and ${view.application}/${view.name} declares none; add \`time: <column>\` to the view in application.yaml.`,
  )
}
