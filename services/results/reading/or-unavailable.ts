import { ServiceError } from '@kappa/service/errors'

/** Runs a command for a request; a Redis that is away is 503 with a time to come back. */
export async function orUnavailable<T>(command: Promise<T>, onError: () => void): Promise<T> {
  try {
    return await command
  } catch (error) {
    if (error instanceof ServiceError) throw error
    onError()
    throw new ServiceError(
      'redis_unavailable',
      'The store of the results cannot be reached; the request can be repeated.',
      { retryAfterSeconds: 1, cause: error },
    )
  }
}
