import type { Kafka } from '@kappa/kafka/port'
import { gauge, latest, type Registry, readMetrics } from '@kappa/service/metrics'
import { readLogBegins } from '../log/log-ends.ts'
import type { Overview } from './overview.ts'

const partition = ['topic', 'partition'] as const

const metrics = {
  leader: gauge('kappa_replay_leader', 'Whether this instance is the one that acts: 1 or 0.'),
  epoch: gauge('kappa_replay_epoch', 'Grows by each taking over of the control log.'),
  queue: gauge('kappa_replay_job_queue_ready', 'Whether jobs can be added and are taken: 1 or 0.'),
  clusters: gauge('kappa_replay_clusters', 'Spark clusters that run, of all applications.'),
  clustersMax: gauge(
    'kappa_replay_clusters_max',
    'A replay that would need one more is refused (KAPPA_CLUSTERS_MAX).',
  ),
  begin: gauge(
    'kappa_topic_begin_offset',
    'First offset that the log still has: above 0, retention has deleted events.',
    partition,
  ),
  end: gauge('kappa_topic_end_offset', 'Offset at which the log ends.', partition),
}

/** Retention does not hurry, and every topic is a request to each of its leaders. */
const beginsAgeMsMax = 60_000

export interface ControlParts {
  readonly overview: Overview
  readonly kafka: Pick<Kafka, 'admin'>
  readonly epoch: number
  readonly queue: { readonly healthy: boolean }
  readonly clustersMax: number
}

/** The instance itself, and the log of the releases that run. */
export function measureControl(registry: Registry, parts: ControlParts): void {
  const { overview, kafka, queue } = parts
  const begins = latest(() => readLogBegins(kafka, topicsOf(overview)), beginsAgeMsMax)
  readMetrics(registry, metrics, (set) => {
    const lives = overview.lives()
    set.leader({}, 1)
    set.epoch({}, parts.epoch)
    set.queue({}, queue.healthy ? 1 : 0)
    set.clusters({}, lives.length)
    set.clustersMax({}, parts.clustersMax)
    const known = begins() ?? {}
    for (const topic of topicsOf(overview)) {
      for (const [at, offset] of Object.entries(known[topic] ?? {}))
        set.begin({ topic, partition: at }, Number(offset))
      const ends = lives.map((life) => life.ends[topic] ?? {})
      for (const [at, offset] of Object.entries(Object.assign({}, ...ends)))
        set.end({ topic, partition: at }, Number(offset))
    }
  })
}

function topicsOf(overview: Overview): string[] {
  return [...new Set(overview.lives().flatMap(({ ends }) => Object.keys(ends)))]
}
