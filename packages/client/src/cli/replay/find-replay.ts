import { ApiError } from '../../errors.ts'
import type { ReplayClient } from '../../replay-client.ts'
import { isUnderWay } from '../../replay-rest.ts'
import type { ReleaseState, ReplayStatus } from '../../replay-status.ts'
import { UsageError } from '../command.ts'
import { stateText } from './state-text.ts'

/**
 * The replay that an argument means: by its id, or by its application when only one is under way.
 *
 * @param alsoMeant more states in which the command can do something, such as `failed`
 * @throws UsageError none is, or several are
 * @throws ApiError, ConnectionError
 */
export async function findReplay(
  { replays }: ReplayClient,
  argument: string,
  alsoMeant: readonly ReleaseState[] = [],
): Promise<ReplayStatus> {
  const byId = await getIfThere(() => replays.get(argument), argument)
  if (byId !== undefined) return byId
  const all = await replays.list({ application: argument })
  const meant = all.filter(({ state }) => isUnderWay(state) || alsoMeant.includes(state))
  const [first, ...others] = meant
  if (first !== undefined && others.length === 0) return first
  if (first !== undefined) {
    const ids = meant.map(({ id, state }) => `${id} (${stateText(state)})`).join(', ')
    throw new UsageError(`several replays of ${argument} may be meant: ${ids}; name one by its id`)
  }
  const [last] = all
  const newest =
    last === undefined ? '' : `; the newest is ${last.id}, which is ${stateText(last.state)}`
  throw new UsageError(`no replay has the id ${argument}, and none of ${argument} goes on${newest}`)
}

/** undefined when there is none; only what looks like an id is asked for. */
export async function getIfThere(
  get: () => Promise<ReplayStatus>,
  argument: string,
): Promise<ReplayStatus | undefined> {
  if (!/.-\d+$/.test(argument)) return undefined
  try {
    return await get()
  } catch (error) {
    // An application may be called like an id.
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}
