import { readdirSync } from 'node:fs'
import type { ApplicationDefinition } from '@kappa/applications/definition'
import { loadApplication } from '@kappa/applications/load'
import { ApplicationError, formatProblem } from '@kappa/applications/problems'
import type { ReleaseDefinition, ReleaseRecord } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { requestRelease } from '../releases/release-request.ts'

/** @throws ServiceError `unknown_application`, `nothing_to_replace` */
export function liveOf({ releases, config }: ReleaseParts, application: string): ReleaseRecord {
  const live = releases.live(application)
  if (live) return live
  const folders = readdirSync(config.applicationsFolder)
  if (releases.of(application).length === 0 && !folders.includes(application)) {
    throw new ServiceError(
      'unknown_application',
      `There is no application ${application}: neither a release of it nor a folder in ${config.applicationsFolder}.`,
    )
  }
  throw new ServiceError(
    'nothing_to_replace',
    `No release of ${application} is live, so there is nothing to be replayed beside. A first release is made when replay starts and the application's folder has no mistakes.`,
  )
}

/** The folder as it is now. @throws ServiceError `application_invalid` with every problem */
export async function readDefinition({ config }: ReleaseParts, application: string) {
  try {
    return await loadApplication(config.applicationsFolder, application)
  } catch (error) {
    if (!(error instanceof ApplicationError)) throw error
    const problems = error.problems.map(formatProblem)
    throw new ServiceError('application_invalid', problems.join('\n'), {
      details: { problems },
      cause: error,
    })
  }
}

/** With the contracts as they are now. @throws ServiceError `contract_missing` */
export async function bindDefinition(
  { contracts, config, control }: ReleaseParts,
  definition: ApplicationDefinition,
): Promise<ReleaseDefinition> {
  const context = {
    contracts: await contracts.readAgain(),
    namespace: config.namespace,
    epoch: control.epoch,
  }
  try {
    return requestRelease(definition, 1, context).definition
  } catch (error) {
    if (!(error instanceof ApplicationError)) throw error
    const message = error.problems.map(formatProblem).join('\n')
    throw new ServiceError('contract_missing', message, { cause: error })
  }
}
