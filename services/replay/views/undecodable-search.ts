import type { UndecodableRecord } from '@kappa/applications/records'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { Kafka } from '@kappa/kafka/port'
import type { Logger } from '@kappa/service/logger'
import { findUndecodable, type OffsetRange, type UndecodableBounds } from './undecodable-records.ts'

export interface SearchParts {
  readonly kafka: Pick<Kafka, 'readAt'>
  readonly bounds: UndecodableBounds
  readonly logger: Logger
  /** Records that were found, newest last. */
  readonly onFound: (records: readonly UndecodableRecord[]) => void
}

/**
 * Searches for undecodable records beside the batches, one search at a time, so that positions do
 * not wait for it: ranges of a stream that come meanwhile become one.
 */
export class UndecodableSearch {
  readonly #parts: SearchParts
  readonly #waiting = new Map<string, { source: StreamSource; range: OffsetRange }>()
  #searching: Promise<void> | undefined

  constructor(parts: SearchParts) {
    this.#parts = parts
  }

  add(source: StreamSource, range: OffsetRange): void {
    const { from } = this.#waiting.get(source.name)?.range ?? range
    this.#waiting.set(source.name, { source, range: { from, to: range.to } })
    this.#searching ??= this.#search()
  }

  /** Resolves when nothing is searched any more; bounded by what is looked at. */
  async settled(): Promise<void> {
    await this.#searching
  }

  async #search(): Promise<void> {
    const { kafka, bounds, logger, onFound } = this.#parts
    for (const [name, { source, range }] of this.#waiting) {
      this.#waiting.delete(name)
      try {
        onFound(await findUndecodable(kafka, source, range, bounds))
      } catch (error) {
        // They are counted all the same; only where they lie stays unknown.
        logger.warn({ err: error, stream: name }, 'undecodable records could not be looked for')
      }
    }
    this.#searching = undefined
  }
}

/** A list with what was found added to it: each record once, the newest `listedMax`. */
export function addFound(
  known: readonly UndecodableRecord[],
  found: readonly UndecodableRecord[],
  listedMax: number,
): UndecodableRecord[] {
  const placeOf = ({ topic, partition, offset }: UndecodableRecord) =>
    `${topic}/${partition}/${offset}`
  const all = new Map([...known, ...found].map((record) => [placeOf(record), record]))
  return [...all.values()].slice(-listedMax)
}
