import type { ContractVersion } from '@kappa/contracts/contract'
import { ServiceError } from '@kappa/service/errors'
import type { Span } from '@kappa/service/tracing'
import { type EventBatch, MalformedEvent } from '../bodies/event-batch.ts'
import { memberBytes } from '../bodies/json-spans.ts'
import type { IngestContext } from '../context.ts'
import { mergePositions } from './positions.ts'
import type { EventResult } from './publish-schemas.ts'
import type { Sender } from './publisher.ts'
import type { Topic } from './topics.ts'

export interface PublishedMany {
  readonly accepted: number
  readonly rejected: number
  /** To be sent again. */
  readonly failed: number
  readonly position: Map<string, Map<number, bigint>>
  /** In the order of the events. */
  readonly results: ManyResult[]
  /** Why the first one failed. */
  readonly failure: ServiceError | undefined
}

type ManyResult = { readonly topic: string } & (EventResult | FailedEvent)

interface FailedEvent {
  readonly status: 'failed'
  readonly error: { readonly code: string; readonly message: string }
}

/** Events that go to the log together: of one topic and one version of its contract. */
interface Group {
  readonly target: Topic
  readonly version: ContractVersion
  readonly indexes: number[]
  readonly values: unknown[]
}

interface Misaddressed {
  readonly topic: string
  readonly error: { readonly code: string; readonly message: string; readonly path: string }
}

/** Publishes `{topic, event, version?}` items, each topic's by itself. */
export async function publishMany(
  { topics, versions, publisher }: IngestContext,
  items: EventBatch,
  { client, sink, span }: Sender & { readonly span: Span | undefined },
): Promise<PublishedMany> {
  const groups = new Map<ContractVersion, Group>()
  const misaddressed = new Map<number, Misaddressed>()
  for (const [index, item] of items.values.entries()) {
    const addressed = address(item)
    if ('error' in addressed) {
      misaddressed.set(index, addressed)
      continue
    }
    const { target, version, event } = addressed
    const group = groups.get(version) ?? { target, version, indexes: [], values: [] }
    groups.set(version, group)
    group.indexes.push(index)
    group.values.push(event)
  }

  const results: ManyResult[] = new Array(items.values.length)
  const position = new Map<string, Map<number, bigint>>()
  const counts = { accepted: 0, rejected: 0, failed: 0 }
  let failure: ServiceError | undefined
  await Promise.all([rejectMisaddressed(), ...Array.from(groups.values(), publishGroup)])
  return { ...counts, position, results, failure }

  async function publishGroup({ target, version, indexes, values }: Group): Promise<void> {
    const { topic } = target.contract
    const payload = (at: number) => {
      const item = items.payload(indexes[at] ?? 0)
      return memberBytes(item, 'event') ?? item
    }
    const events = { values, payload }
    try {
      const request = { target, version, events, disorderMs: undefined, client, sink, span }
      const published = await publisher.publish(request)
      counts.accepted += published.accepted
      counts.rejected += published.rejected
      if (published.position !== undefined) mergePositions(position, published.position)
      for (const [at, result] of published.results.entries()) {
        results[indexes[at] ?? 0] = { topic, ...result }
      }
    } catch (error) {
      failAll(topic, indexes, error)
    }
  }

  async function rejectMisaddressed(): Promise<void> {
    if (misaddressed.size === 0) return
    const rejections = Array.from(misaddressed, ([index, { topic, error }]) => ({
      topic,
      ...error,
      payload: items.payload(index),
    }))
    try {
      const ids = await publisher.rejectMisaddressed(rejections, { client, sink })
      counts.rejected += misaddressed.size
      for (const [at, [index, { topic, error }]] of [...misaddressed].entries()) {
        const rejection = ids[at]
        const kept = rejection === undefined ? {} : { rejection }
        results[index] = { topic, status: 'rejected', error, ...kept }
      }
    } catch (error) {
      for (const [index, { topic }] of misaddressed) failAll(topic, [index], error)
    }
  }

  function failAll(topic: string, indexes: readonly number[], error: unknown): void {
    if (!(error instanceof ServiceError)) throw error
    failure ??= error
    counts.failed += indexes.length
    const { code, message } = error
    for (const index of indexes) {
      results[index] = { topic, status: 'failed', error: { code, message } }
    }
  }

  function address(
    item: unknown,
  ): Misaddressed | { target: Topic; version: ContractVersion; event: unknown } {
    if (item instanceof MalformedEvent) {
      const { code, message, path } = item
      return { topic: '', error: { code, message, path } }
    }
    const wrong = (message: string, path: string, topic = '', code = 'bad_envelope') => ({
      topic,
      error: { code, message, path },
    })
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      return wrong('expected an object {"topic": …, "event": …}', '$')
    }
    const { topic, event, version, ...others } = item as Readonly<Record<string, unknown>>
    const [unknown] = Object.keys(others)
    if (unknown !== undefined) {
      return wrong(`unknown member "${unknown.slice(0, 80)}": known are topic, event, version`, '$')
    }
    if (typeof topic !== 'string') return wrong('topic has to be a text', '$.topic')
    if (event === undefined) return wrong('event is missing', '$.event', topic)
    if (version !== undefined && !Number.isSafeInteger(version)) {
      return wrong('version has to be a whole number', '$.version', topic)
    }
    try {
      const target = topics.get(topic)
      const named = version as number | undefined
      return { target, version: versions.choose(target.contract, named), event }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      const path = error.code === 'unknown_topic' ? '$.topic' : '$.version'
      return wrong(error.message, path, topic, error.code)
    }
  }
}
