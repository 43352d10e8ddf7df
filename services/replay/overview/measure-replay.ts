import type { Registry } from '@kappa/service/metrics'
import { type MeasuredRedis, measureRedis } from '@kappa/service/redis-metrics'
import { type ControlParts, measureControl } from './control-metrics.ts'
import type { Overview } from './overview.ts'
import { measureReleases } from './release-metrics.ts'
import { measureReplays } from './replay-metrics.ts'
import { measureSpark } from './spark-metrics.ts'

/** All that an operator watches of replay. */
export function measureReplay(
  registry: Registry,
  parts: ControlParts & { readonly overview: Overview; readonly redis: MeasuredRedis },
): void {
  const { overview, redis } = parts
  measureControl(registry, parts)
  measureReleases(registry, overview)
  measureSpark(registry, overview)
  measureReplays(registry, overview)
  measureRedis(registry, { rows: redis })
}
