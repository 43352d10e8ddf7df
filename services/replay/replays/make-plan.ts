import type { ReleaseRecord } from '@kappa/applications/records'
import type { ReplayFrom, ReplayPlan } from '@kappa/applications/replay-record'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { ReplayConfig } from '../config.ts'
import { hasCluster } from '../control/release-states.ts'
import { readLogEnds } from '../log/log-ends.ts'
import { recordsByTopic } from '../log/log-size.ts'
import { sampleSlack } from '../log/sample-slack.ts'
import { resolveStarts } from '../log/start-offsets.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'

/** Why a replay is not begun. */
export interface PlanProblem {
  readonly code: 'log_incomplete' | 'quota_exceeded'
  readonly message: string
}

/**
 * What a replay of these sources would read, how long that will take, and what speaks against it. Only
 * looks; starts nothing.
 *
 * @param windowMs how much earlier than a timestamp reading has to begin
 * @throws ServiceError `bad_request` for a time that is none or offsets that the log does not have
 */
export async function makePlan(
  { kafka, releases, config }: ReleaseParts,
  application: string,
  sources: readonly StreamSource[],
  request: { from: ReplayFrom; accept_partial: boolean; windowMs: number },
): Promise<{
  plan: Omit<ReplayPlan, 'state_rows' | 'state_store'>
  problems: PlanProblem[]
}> {
  const { samplesMax, eventsPerBatchMax } = config.release.catchUp
  const names = [...new Set(sources.map(({ topic }) => topic))]
  const [{ starts, missing }, ends] = await Promise.all([
    resolveStarts(kafka, request.from, sources, { windowMs: request.windowMs }),
    readLogEnds(kafka, names),
  ])
  const unread = recordsByTopic(starts, ends)
  const batches = Math.max(1, Math.ceil(sum(Object.values(unread)) / eventsPerBatchMax))
  const topics = await Promise.all(
    names.map(async (topic) => {
      const streams = sources.filter((source) => source.topic === topic)
      const range = { from: starts[topic] ?? {}, to: ends[topic] ?? {} }
      const events = unread[topic] ?? 0
      const batchRecordsMax = Math.max(1, Math.floor(events / batches))
      const slacks =
        batches === 1
          ? []
          : await Promise.all(
              streams.map((source) =>
                sampleSlack(kafka, source, range, { samplesMax, batchRecordsMax }),
              ),
            )
      return {
        topic,
        streams: streams.map(({ name }) => name),
        events,
        missing_events: missing[topic] ?? 0,
        slack_ms: Math.max(0, ...slacks.map(({ slackMs }) => slackMs)),
      }
    }),
  )
  const events = sum(Object.values(unread))
  const rate = lastRate(releases.of(application))
  const clusters = releases.all().filter(({ state }) => hasCluster(state)).length
  const plan = {
    starts,
    ends,
    topics,
    events,
    events_per_second: rate,
    estimated_seconds: rate === null ? null : Math.ceil(events / rate),
    clusters_running: clusters,
    clusters_max: config.replays.clustersMax,
    planned_at: Date.now(),
  }
  const problems = [
    ...(request.accept_partial ? [] : topics.flatMap(incomplete)),
    ...(clusters < config.replays.clustersMax ? [] : [quotaExceeded(plan, config)]),
  ]
  return { plan, problems }
}

function lastRate(records: readonly ReleaseRecord[]): number | null {
  for (const { replay } of records) {
    const { events = 0, seconds = 0 } = replay?.caught_up ?? {}
    if (events > 0 && seconds > 0) return events / seconds
  }
  return null
}

function incomplete({ topic, missing_events }: ReplayPlan['topics'][number]): PlanProblem[] {
  if (missing_events === 0) return []
  return [
    {
      code: 'log_incomplete',
      message: `Retention has deleted up to ${missing_events} records of ${topic} that this replay would have to read. Replay from a later time, or go on knowingly with accept_partial.`,
    },
  ]
}

function quotaExceeded(
  { clusters_running, clusters_max }: Pick<ReplayPlan, 'clusters_running' | 'clusters_max'>,
  { launcher }: Pick<ReplayConfig, 'launcher'>,
): PlanProblem {
  const needsSlot = launcher.kind === 'static' && clusters_max === launcher.slots.length
  const more = needsSlot
    ? 'add a slot to the file in KAPPA_STATIC_SLOTS_FILE'
    : 'raise KAPPA_CLUSTERS_MAX'
  return {
    code: 'quota_exceeded',
    message: `${clusters_running} Spark clusters run, and ${clusters_max} are allowed. Retire a standby, cancel a replay, or ${more}.`,
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
