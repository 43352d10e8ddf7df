import { DurationError, formatDuration, parseDuration } from '@kappa/contracts/duration'
import { ServiceError } from '@kappa/service/errors'

/**
 * The disorder that a request declares for its import, in milliseconds; undefined for live events.
 * @throws ServiceError `bad_request` (bound in the message)
 */
export function declaredDisorder(
  query: { readonly mode?: string; readonly disorder?: string },
  disorderMsMax: number,
): number | undefined {
  const { mode, disorder } = query
  if (mode !== 'import') {
    if (disorder === undefined) return undefined
    throw new ServiceError('bad_request', 'disorder goes with mode=import only; leave it out.')
  }
  if (disorder === undefined) return 0
  const declared = parse(disorder)
  if (declared <= disorderMsMax) return declared
  throw new ServiceError(
    'bad_request',
    `The disorder of ${formatDuration(declared)} is above the topic's bound of ${formatDuration(disorderMsMax)}. Send the events ordered by time, or raise import_disorder_max in the contract's topic.yaml.`,
  )
}

function parse(disorder: string): number {
  try {
    return parseDuration(disorder)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw new ServiceError('bad_request', `disorder: ${error.message}.`, { cause: error })
  }
}
