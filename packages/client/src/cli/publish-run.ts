import { parseSchema } from '@kappa/contracts/parse-schema'
import type { RecordSchema } from '@kappa/contracts/schema'
import { Client } from '../client.ts'
import { patiently } from '../patiently.ts'
import { type EventResult, PublishStoppedError } from '../publish-results.ts'
import { Publisher } from '../publisher.ts'
import type { TopicWithSchema } from '../topics-api.ts'
import { exitCodes, UsageError } from './command.ts'
import { csvEvents } from './input/csv-events.ts'
import { InputError, InputEvent, type InputItem, shown } from './input/input-item.ts'
import { jsonValues } from './input/json-values.ts'
import { ndjsonEvents, wrongJson } from './input/ndjson-events.ts'
import type { Input } from './input/open-input.ts'
import type { PublishSettings } from './publish-settings.ts'
import { RejectedFile } from './rejected-file.ts'
import { ResumePoint } from './resume-point.ts'

export interface PublishOutcome {
  readonly accepted: number
  readonly rejected: number
  /** Read and not acknowledged. */
  readonly failed: number
  readonly seconds: number
  readonly firstRejected: string | undefined
  /** Why it ended before the input did, and the line to go on from. */
  readonly stopped: Stop | undefined
  readonly exitCode: number
}

interface Stop {
  readonly code: string
  readonly message: string
  readonly line: number
}

/** Batches that are read beside those on their way. */
const batchesAheadMax = 4
const batchBytesMax = 1_048_576
const interruptedTimeoutMs = 10_000
const patience = { timeoutMs: 2_000, retryDelayMsMin: 100, retryDelayMsMax: 500 }

/** Takes one input to ingest and keeps account of every event of it. */
export class PublishRun {
  readonly counts = { accepted: 0, rejected: 0 }
  readonly #settings: PublishSettings
  readonly #topic: TopicWithSchema
  readonly #schema: RecordSchema | undefined
  readonly #publisher: Publisher
  readonly #rejected: RejectedFile
  readonly #resume = new ResumePoint()
  readonly #abort = new AbortController()
  #firstRejected: string | undefined
  #failure: { readonly code: string; readonly message: string } | undefined
  #interrupted = false

  /**
   * Asks ingest about the topic.
   * @throws ApiError `unknown_topic`, ConnectionError, UsageError the topic has no such version
   */
  static async prepare(settings: PublishSettings): Promise<PublishRun> {
    const client = new Client({ url: settings.url })
    try {
      const topic = await patiently(() => client.topics.get(settings.topic), patience)
      const publishable = topic.versions.findLast((each) => each.publishable !== false)
      const wanted = settings.version ?? publishable?.version
      const version = topic.versions.find((each) => each.version === wanted)
      if (version === undefined) {
        const known = topic.versions.map((each) => each.version).join(', ')
        throw new UsageError(`${settings.topic} has no version ${wanted}; it has ${known}`)
      }
      const { schema } = parseSchema(await client.topics.schema(version.schema_id))
      return new PublishRun(settings, topic, schema?.type === 'record' ? schema : undefined)
    } finally {
      client.close()
    }
  }

  private constructor(
    settings: PublishSettings,
    topic: TopicWithSchema,
    schema: RecordSchema | undefined,
  ) {
    const { mode, disorder, version, batchEvents, concurrency } = settings
    this.#settings = settings
    this.#topic = topic
    this.#schema = schema
    this.#rejected = new RejectedFile(settings.rejectedFile)
    this.#publisher = new Publisher({
      url: settings.url,
      mode,
      batchEventsMax: batchEvents,
      batchBytesMax,
      lingerMs: 20,
      requestsInFlightMax: concurrency,
      queueEventsMax: batchEvents * (concurrency + batchesAheadMax),
      queueBytesMax: batchBytesMax * (concurrency + batchesAheadMax),
      deliveryTimeoutMs: settings.timeoutMs,
      compression: settings.compress ? 'gzip' : 'none',
      ...(disorder === undefined ? {} : { disorder }),
      ...(version === undefined ? {} : { versions: { [settings.topic]: version } }),
      ...(settings.discardRejected ? { rejected: 'discard' } : {}),
    })
  }

  /** Reads no more, and gives what was read a bounded time to be settled. */
  interrupt(input: Input): void {
    this.#interrupted = true
    input.stop()
    void this.#publisher.close({ timeoutMs: interruptedTimeoutMs })
  }

  /** Ends at once: what is not settled is not acknowledged. */
  giveUp(): void {
    this.#abort.abort()
  }

  /** @throws UsageError the header of a CSV does not fit, before any event was sent */
  async publish(input: Input): Promise<PublishOutcome> {
    const from = performance.now()
    const stoppedBy = await this.#publishAll(input)
    input.stop()
    await this.#publisher.close({ timeoutMs: interruptedTimeoutMs })
    await this.#rejected.close()
    const { queued, failed } = this.#publisher.counters
    if (stoppedBy instanceof UsageError && queued === 0) throw stoppedBy
    const { accepted, rejected } = this.counts
    const firstRejected = this.#firstRejected
    const seconds = Math.round(performance.now() - from) / 1_000
    const stopped = this.#whyStopped(stoppedBy)
    const exitCode = this.#exitCode(stopped)
    return { accepted, rejected, failed, seconds, firstRejected, stopped, exitCode }
  }

  async #publishAll(input: Input): Promise<Error | undefined> {
    try {
      await this.#publisher.publishAll(this.#settings.topic, this.#events(input), {
        signal: this.#abort.signal,
        onResult: (result, index, event) => this.#account(result, index, event),
        notAcceptedMax: 0,
      })
      return undefined
    } catch (error) {
      if (!(error instanceof PublishStoppedError)) throw error
      return error.cause instanceof Error ? error.cause : error
    }
  }

  async *#events(input: Input): AsyncGenerator<InputEvent> {
    const { fromLine } = this.#settings
    for await (const item of this.#items(input)) {
      if (this.#interrupted) return
      if (item.line < fromLine) continue
      await this.#rejected.ready()
      if (item instanceof InputEvent) {
        this.#resume.read(item.line)
        yield item
        continue
      }
      const { line, error, raw } = item
      this.#reject({ line, error, rejection: null, raw }, error)
    }
  }

  #items(input: Input): AsyncIterable<InputItem> {
    // Ids travel in an envelope around the events, which one that is not JSON would break.
    if (input.format === 'ndjson') return ndjsonEvents(input.chunks, this.#topic.id === null)
    if (input.format === 'json') return jsonValues(input.chunks)
    if (this.#schema === undefined) {
      throw new InputError(
        `the schema of ${this.#settings.topic} is of a kind that this kappa does not know`,
      )
    }
    return csvEvents(input.chunks, this.#schema)
  }

  #account(result: EventResult, index: number, { line, text }: InputEvent): void {
    if (result.status === 'failed') {
      if (this.#failure !== undefined) return
      this.#failure = result.error
      // What comes after it would fail as well, each after its own time-out.
      this.#abort.abort()
      return
    }
    this.#resume.settled(index)
    if (result.status === 'accepted') this.counts.accepted++
    else {
      const { error, rejection = null } = result
      const what = wrongJson(text) === undefined ? { event: text } : { raw: shown(text) }
      this.#reject({ line, error, rejection, ...what }, error)
    }
  }

  #reject(
    line: Parameters<RejectedFile['add']>[0],
    { code, message, path }: { code: string; message: string; path: string },
  ): void {
    this.counts.rejected++
    this.#firstRejected ??= `line ${line.line}: ${message} (${code} at ${path})`
    this.#rejected.add(line)
  }

  #whyStopped(stoppedBy: Error | undefined): Stop | undefined {
    const { line } = this.#resume
    if (this.#interrupted) return { code: 'interrupted', message: 'it was interrupted', line }
    if (this.#failure !== undefined) return { ...this.#failure, line }
    if (stoppedBy === undefined) return undefined
    return { code: 'input', message: stoppedBy.message, line }
  }

  #exitCode(stopped: Stop | undefined): number {
    if (stopped?.code === 'interrupted') return exitCodes.interrupted
    if (stopped?.code === 'input') return exitCodes.usage
    if (stopped !== undefined) return exitCodes.unavailable
    return this.counts.rejected > 0 ? exitCodes.failed : exitCodes.done
  }
}
