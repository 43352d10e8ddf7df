import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { ReleaseDefinition } from '@kappa/applications/records'
import type { Kafka } from '@kappa/kafka/port'
import type { CatchUpSettings } from '../config.ts'
import { readLogBegins, readLogEnds } from '../log/log-ends.ts'
import { recordsByTopic } from '../log/log-size.ts'
import { sampleSlack } from '../log/sample-slack.ts'
import type { CatchUpMode, ContinuousMode } from './query-mode.ts'

/** How long a micro-batch of a replay with a bounded rate lasts, at least. */
const throttledBatchSeconds = 10

export interface ModeSettings extends CatchUpSettings {
  readonly eventsPerSecondMax?: number | undefined
  /** Added to what is found of the log. */
  readonly moreSlackMs: number
}

export interface ChosenMode {
  readonly mode: ContinuousMode | CatchUpMode
  /** Where the log ended: what the query has to read before it has caught up with this start. */
  readonly ends: OffsetsByTopic
}

/**
 * How a query is to be started: what is little is read in one micro-batch, after which nothing
 * unread can be older than the narrow watermark; what is much, in bounded ones, with a watermark that
 * waits for the partition that is furthest behind in time.
 *
 * @param position next offsets of the query's checkpoint; where it names none, those where it begins
 */
export async function chooseMode(
  kafka: Kafka,
  definition: Pick<ReleaseDefinition, 'sources' | 'starts'>,
  position: OffsetsByTopic,
  settings: ModeSettings,
): Promise<ChosenMode> {
  // Once it has read something, its position tells which topics are its own.
  const own = new Set(Object.keys(position))
  const sources = Object.values(definition.sources).filter(
    ({ topic }) => own.size === 0 || own.has(topic),
  )
  const topics = [...new Set(sources.map(({ topic }) => topic))]
  const [begins, to] = await Promise.all([readLogBegins(kafka, topics), readLogEnds(kafka, topics)])
  const from = withDefaults(position, withDefaults(definition.starts ?? {}, begins))
  const unread = recordsByTopic(from, to)
  const { samplesMax, eventsPerSecondMax, moreSlackMs } = settings
  const eventsPerBatchMax = Math.min(
    settings.eventsPerBatchMax,
    eventsPerSecondMax === undefined
      ? Number.POSITIVE_INFINITY
      : eventsPerSecondMax * throttledBatchSeconds,
  )
  const batches = Math.ceil(sum(Object.values(unread)) / eventsPerBatchMax)
  if (batches <= 1) return { mode: { kind: 'continuous' }, ends: to }
  const slackMs: Record<string, number> = {}
  for (const source of sources) {
    const { name, topic } = source
    const range = { from: from[topic] ?? {}, to: to[topic] ?? {} }
    // What a query takes of a topic at once is least when it reads all the others as well.
    const batchRecordsMax = Math.max(1, Math.floor((unread[topic] ?? 0) / batches))
    const bounds = { samplesMax, batchRecordsMax }
    const slack = await sampleSlack(kafka, source, range, bounds)
    slackMs[name] = slack.slackMs + moreSlackMs
  }
  const mode = {
    kind: 'catch-up' as const,
    eventsPerBatchMax,
    slackMs,
    ...(eventsPerSecondMax === undefined ? {} : { eventsPerSecondMax }),
  }
  return { mode, ends: to }
}

/** Offsets of topics and partitions that `known` does not name come from `others`. */
function withDefaults(known: OffsetsByTopic, others: OffsetsByTopic): OffsetsByTopic {
  return Object.fromEntries(
    Object.entries(others).map(([topic, offsets]) => [topic, { ...offsets, ...known[topic] }]),
  )
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
