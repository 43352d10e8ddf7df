import { gauge, latest, type Registry, readMetrics } from '@kappa/service/metrics'
import { type MeasuredRedis, measureRedis } from '@kappa/service/redis-metrics'
import type { RedisMemory } from '@kappa/view-store/redis-memory'
import type { MemoryBound } from './loading/memory-bound.ts'
import type { ReadableReleases } from './loading/readable-releases.ts'
import type { Catalogue } from './reading/catalogue.ts'
import { labelsOf } from './results-metrics.ts'

const view = ['application', 'release', 'view'] as const
const release = ['application', 'release'] as const

/** How old what is told of Redis' memory may be. */
const memoryAgeMsMax = 5_000

export interface ReadingsParts {
  readonly releases: Pick<ReadableReleases, 'views' | 'states' | 'lags' | 'assigned'>
  readonly catalogue: Pick<Catalogue, 'live' | 'liveApplications'>
  readonly memory: Pick<MemoryBound, 'refused'>
  readonly readMemory: () => Promise<RedisMemory>
  /** By name. */
  readonly connections: Readonly<Record<string, MeasuredRedis>>
}

/** Metrics that are read off what is loaded: how fresh, how far, what is missing. */
export function measureResults(registry: Registry, parts: ReadingsParts): void {
  readViews(registry, parts)
  readReleases(registry, parts)
  readMemory(registry, parts)
  measureRedis(registry, parts.connections)
}

function readViews(registry: Registry, { releases }: ReadingsParts): void {
  readMetrics(
    registry,
    {
      lag: gauge(
        'kappa_results_changelog_lag_records',
        'Offsets between what is applied and the end of the changelog, over the partitions that this instance applies.',
        view,
      ),
      frozen: gauge(
        'kappa_results_frozen_partitions',
        'Partitions that take no changes while replay switches the live release.',
        view,
      ),
      behind: gauge(
        'kappa_results_behind_partitions',
        'Partitions whose rows are not all in Redis: reads of them are answered 503.',
        view,
      ),
      freshness: gauge(
        'kappa_results_freshness_seconds',
        'Every event that was in the log longer ago than this is in the rows that are answered.',
        view,
      ),
      position: gauge(
        'kappa_results_position_offset',
        'Next offset of the log that the rows which are answered do not hold.',
        [...view, 'topic', 'partition'],
      ),
    },
    (set) => {
      for (const { records, ...each } of releases.lags()) set.lag(labelsOf(each), records)
      for (const each of releases.views()) {
        const labels = labelsOf(each)
        set.frozen(labels, each.frozen)
        set.behind(labels, each.behind.length)
        const record = each.declared()?.record
        if (record === undefined) continue
        set.freshness(labels, Math.max(0, Date.now() - record.current_at) / 1_000)
        for (const [topic, offsets] of Object.entries(record.sources)) {
          for (const [partition, offset] of Object.entries(offsets))
            set.position({ ...labels, topic, partition }, Number(offset))
        }
      }
    },
  )
}

function readReleases(registry: Registry, { releases, catalogue, memory }: ReadingsParts): void {
  readMetrics(
    registry,
    {
      loaded: gauge(
        'kappa_results_loaded_releases',
        'Releases whose rows this instance keeps in Redis, by their state.',
        ['application', 'state'],
      ),
      live: gauge(
        'kappa_results_live_release',
        'The release that this instance answers from; always 1.',
        release,
      ),
      refused: gauge(
        'kappa_results_refused_release',
        'A release that is not live and has no rows in Redis, because it is nearly full; always 1.',
        release,
      ),
      assigned: gauge(
        'kappa_results_assigned_partitions',
        'Changelog partitions of a release that this instance applies.',
        release,
      ),
    },
    (set) => {
      const counts = new Map<string, { application: string; state: string; count: number }>()
      for (const { application, state } of releases.states()) {
        const key = `${application}/${state}`
        const count = (counts.get(key)?.count ?? 0) + 1
        counts.set(key, { application, state, count })
      }
      for (const { count, ...labels } of counts.values()) set.loaded(labels, count)
      for (const application of catalogue.liveApplications())
        set.live(idOf(catalogue.live(application)), 1)
      for (const each of memory.refused()) set.refused(idOf(each), 1)
      for (const { partitions, ...each } of releases.assigned())
        set.assigned(idOf(each), partitions)
    },
  )
}

function readMemory(registry: Registry, parts: ReadingsParts): void {
  const memory = latest(() => parts.readMemory(), memoryAgeMsMax)
  readMetrics(
    registry,
    {
      used: gauge(
        'kappa_redis_memory_used_ratio',
        'Part of the memory that Redis may use that it uses, 0 to 1, on the node that uses most; 0 without maxmemory.',
      ),
      max: gauge(
        'kappa_redis_memory_max_bytes',
        'What Redis may use, on all nodes; 0 without maxmemory.',
      ),
    },
    (set) => {
      const known = memory()
      if (known === undefined) return
      set.used({}, known.usedShare)
      set.max({}, known.bytesMax)
    },
  )
}

function idOf({ application, release: number }: { application: string; release: number }) {
  return { application, release: number }
}
