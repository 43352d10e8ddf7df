import type { Service } from '@kappa/service/lifecycle'
import type { ReplayConfig } from '../config.ts'
import { createReplay } from '../service.ts'

/** Starts replay: at once, or, where there are several instances, when this one is elected. */
export async function startReplay(config: ReplayConfig, signal: AbortSignal): Promise<Service> {
  const { leaderElection } = config
  if (!leaderElection) return createReplay(config, { signal })
  const { createElectedReplay } = await import('./elected-replay.ts')
  return createElectedReplay(config, leaderElection, (options) => createReplay(config, options))
}
