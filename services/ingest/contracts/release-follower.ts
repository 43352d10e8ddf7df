import type { Contract, ContractVersion } from '@kappa/contracts/contract'
import type { Kafka } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { Logger } from '@kappa/service/logger'
import type {
  BlockingRelease,
  PublishableVersions,
  VersionVerdict,
} from './publishable-versions.ts'
import { type ReadersByTopic, readersByTopic } from './topic-readers.ts'

export interface FollowerParts {
  readonly kafka: Pick<Kafka, 'admin' | 'readToEnd'>
  /** The topic of releases; it need not exist yet. */
  readonly topic: string
  /** How often it is looked at: what a release decodes is known that much later at most. */
  readonly pollMs: number
  readonly logger: Logger
}

/**
 * Follows the topic of releases and says which versions of a contract may be written. The topic is
 * small and compacted, so it is read whole whenever its end has moved. While Kafka is away the last
 * known answer stands; as long as there is no such topic, nothing runs and every version may be.
 *
 * A release records a version before which all of its queries decode it, and never unlearns one, so
 * an answer that is too old only refuses. The other way round there is one gap: a replay whose
 * contracts are older than ingest's starts a release that cannot decode what ingest has begun to
 * write. Hence: deploy contracts to replay and ingest together, replay first.
 */
export class ReleaseFollower implements PublishableVersions {
  readonly #parts: FollowerParts
  #readers: ReadersByTopic = new Map()
  /** End of the topic as of the last reading; undefined as long as there is no topic. */
  #readTo: bigint | undefined
  readonly #verdicts = new Map<Contract, readonly VersionVerdict[]>()
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #isBehind = false

  /**
   * Resolves when the topic was read to its end, or does not exist.
   * @throws KafkaError when it cannot be read.
   */
  static async start(parts: FollowerParts): Promise<ReleaseFollower> {
    const follower = new ReleaseFollower(parts)
    await follower.#look()
    follower.#lookAgain()
    return follower
  }

  private constructor(parts: FollowerParts) {
    this.#parts = parts
  }

  choose(contract: Contract, requested: number | undefined): ContractVersion {
    const verdicts = this.verdicts(contract)
    const newest = verdicts.findLast(({ blockedBy }) => blockedBy.length === 0)
    if (requested === undefined) {
      if (newest) return newest.version
      const blockedBy = verdicts.at(-1)?.blockedBy ?? []
      throw notPublishable(contract, contract.newest.n, blockedBy, undefined)
    }
    const verdict = verdicts[requested - 1]
    if (!verdict) {
      const { length } = verdicts
      const known = length === 1 ? 'version 1 only' : `the versions 1 to ${length}`
      throw new ServiceError(
        'unknown_version',
        `${contract.topic} has ${known}, not ${requested}. Nothing was written.`,
      )
    }
    if (verdict.blockedBy.length === 0) return verdict.version
    throw notPublishable(contract, requested, verdict.blockedBy, newest?.version.n)
  }

  verdicts(contract: Contract): readonly VersionVerdict[] {
    let verdicts = this.#verdicts.get(contract)
    if (!verdicts) {
      const readers = this.#readers.get(contract.topic) ?? []
      verdicts = contract.versions.map((version) => ({
        version,
        blockedBy: readers
          .filter(({ schemaIds }) => !schemaIds.has(version.schemaId))
          .map(({ application, release, reasons }) => {
            const never = reasons.get(version.schemaId)
            const reason = never ?? 'it was started before there was this version'
            return { application, release, reason, restart_helps: never === undefined }
          }),
      }))
      this.#verdicts.set(contract, verdicts)
    }
    return verdicts
  }

  /** A look that is under way ends with the connection to Kafka. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #lookAgain(): void {
    if (this.#closed) return
    const look = () => {
      void this.#look()
        .then(() => this.#succeeded())
        .catch((error: unknown) => this.#failed(error))
        .finally(() => this.#lookAgain())
    }
    this.#timer = setTimeout(look, this.#parts.pollMs)
  }

  async #look(): Promise<void> {
    const { kafka, topic, logger } = this.#parts
    const unknown = this.#readTo === undefined
    if (unknown && (await kafka.admin.partitionCount(topic)) === undefined) return
    const [end] = await kafka.admin.endOffsets(topic)
    if (end === undefined || end.offset === this.#readTo) return
    this.#readers = await readersByTopic(kafka.readToEnd(topic), (error, offset) =>
      logger.error({ err: error, offset: String(offset) }, 'unusable control record'),
    )
    this.#verdicts.clear()
    this.#readTo = end.offset
  }

  #succeeded(): void {
    if (this.#isBehind) this.#parts.logger.info('the topic of releases can be read again')
    this.#isBehind = false
  }

  #failed(error: unknown): void {
    if (this.#isBehind || this.#closed) return
    this.#isBehind = true
    this.#parts.logger.warn(
      { err: error },
      'the topic of releases cannot be read; what was known of releases stands',
    )
  }
}

function notPublishable(
  contract: Contract,
  version: number,
  blockedBy: readonly BlockingRelease[],
  publishable: number | undefined,
): ServiceError {
  const releases = blockedBy.map(
    ({ application, release, reason }) => `${application}/${release} (${reason})`,
  )
  const toDo = blockedBy.every(({ restart_helps }) => restart_helps)
    ? 'Restart replay with these contracts: its releases then go on from their checkpoints with it'
    : 'Give it a schema that the readers of these releases can resolve, or replace the releases by ones that are made with it'
  const instead = publishable === undefined ? '' : `; until then publish version ${publishable}`
  return new ServiceError(
    'version_not_publishable',
    `Version ${version} of ${contract.topic} cannot be published yet, because releases read the topic that cannot decode it: ${releases.join(', ')}. Nothing was written. ${toDo}${instead}.`,
    { details: { version, publishable_version: publishable ?? null, releases: blockedBy } },
  )
}
