import type { ContractVersion } from '@kappa/contracts/contract'
import type { IncomingRecord } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { Envelope } from '../bodies/event-batch.ts'
import type { PublishableVersions } from '../contracts/publishable-versions.ts'
import type { Topic, Topics } from '../publishing/topics.ts'
import { type Fix, FixError, type FixedEvent, fixEvent, readFixed } from './fix.ts'
import { type Failed, type Resubmitted, resubmitPending, unknownRejection } from './outcome.ts'
import type { RejectionEntry } from './rejection-entry.ts'
import { describeRecord, fixDigest } from './rejection-record.ts'
import type { StoredRecords } from './stored-records.ts'

/** A rejected event that can be published. */
export interface Prepared {
  readonly entry: RejectionEntry
  readonly target: Topic
  readonly version: ContractVersion
  readonly event: FixedEvent
  /** Gives the event its id where the contract names no id field: the same for ever. */
  readonly envelope: Envelope
  readonly digest: string
}

export interface PreparerParts {
  readonly topics: Topics
  readonly versions: PublishableVersions
  readonly stored: Pick<StoredRecords, 'read'>
  /** Bytes of a fixed event as JSON text: it has to fit into a record. */
  readonly fixedBytesMax: number
}

/** Reads rejected events and makes of each what is to be published. */
export class FixPreparer {
  readonly #parts: PreparerParts

  constructor(parts: PreparerParts) {
    this.#parts = parts
  }

  /** @throws ServiceError `kafka_unavailable` */
  async prepare(
    entries: readonly RejectionEntry[],
    fix: Fix,
  ): Promise<(Prepared | Resubmitted | Failed)[]> {
    const { stored } = this.#parts
    const received = await stored.read(entries)
    const pending = entries.map(({ id, partition, pending }) => ({
      id,
      partition,
      offset: pending?.offset ?? -1n,
    }))
    const begun = await stored.read(pending.filter(({ offset }) => offset >= 0n))
    const begunById = new Map(begun.map((record) => [record?.key?.toString('utf8'), record]))
    return entries.map((entry, index) =>
      this.#prepareOne(entry, received[index], begunById.get(entry.id), fix),
    )
  }

  #prepareOne(
    entry: RejectionEntry,
    received: IncomingRecord | undefined,
    begun: IncomingRecord | undefined,
    fix: Fix,
  ): Prepared | Resubmitted | Failed {
    const { id, pending, published } = entry
    const nothingGiven = fix.patch === undefined && fix.payload === undefined
    if (published !== undefined && nothingGiven && fix.version === undefined) {
      return repeated(entry, published.digest)
    }
    const about = received === undefined ? undefined : describeRecord(received)
    if (received === undefined || about?.type !== 'rejected') {
      return { id, status: 'failed', error: unknownRejection(id) }
    }
    try {
      const target = this.#parts.topics.get(entry.topic)
      const before = published?.event.version ?? pending?.version
      const version = this.#parts.versions.choose(target.contract, fix.version ?? before)
      const payload = received.value ?? Buffer.alloc(0)
      const event =
        pending !== undefined && nothingGiven && begun?.value
          ? readFixed(begun.value)
          : fixEvent(entry, payload, fix, this.#parts.fixedBytesMax)
      const digest = fixDigest(event.bytes, version.n)
      if (published !== undefined) return repeated(entry, digest)
      if (pending !== undefined && pending.digest !== digest) {
        return { id, status: 'failed', error: resubmitPending(id) }
      }
      const envelope = about.envelope ?? { id, headers: {} }
      return { entry, target, version, event, envelope, digest }
    } catch (error) {
      if (error instanceof ServiceError) return { id, status: 'failed', error }
      if (!(error instanceof FixError)) throw error
      const { code, message, cause } = error
      return { id, status: 'failed', error: new ServiceError(code, message, { cause }) }
    }
  }
}

/** For a rejection whose event is in the log: asked for the same again it is done, else too late. */
export function repeated(entry: RejectionEntry, digest: string): Resubmitted | Failed {
  const { id, published } = entry
  if (published === undefined) throw new Error(`the rejection ${id} was not resubmitted`)
  const { event } = published
  if (published.digest === digest) return { id, status: 'resubmitted', repeated: true, event }
  const error = new ServiceError(
    'already_resubmitted',
    `The event of "${id}" is in the log already, with another fix or version, and counts once. To correct it, publish an event that does.`,
    { details: { event } },
  )
  return { id, status: 'failed', error }
}
