import type { Contract, ContractVersion } from '@kappa/contracts/contract'
import type { Contracts } from '@kappa/contracts/contracts'
import { didYouMean } from '@kappa/contracts/suggest'
import type { PublishableVersions, VersionVerdict } from '../contracts/publishable-versions.ts'
import { RegistryError } from './registry-error.ts'

const valueSuffix = '-value'
const keySuffix = '-key'
/** Ways to name the only context that there is. */
const contextPrefix = /^:[.*]?:/
const versionMax = 2_147_483_647

/** A version of a contract under the name that the registry has for its topic. */
export interface SubjectVersion {
  readonly subject: string
  readonly version: ContractVersion
}

/**
 * The contracts as a registry shows them: the subject of a topic is `<topic>-value`, and keys have
 * none, because they are plain text. What a producer finds its schema by (lists, `latest`, lookup)
 * has the publishable versions only, so that no producer writes what a running release cannot
 * decode; by id and by number every version is found, because consumers may meet it any time.
 */
export class Subjects {
  readonly #contracts: Contracts
  readonly #publishable: Pick<PublishableVersions, 'verdicts'>

  constructor(contracts: Contracts, publishable: Pick<PublishableVersions, 'verdicts'>) {
    this.#contracts = contracts
    this.#publishable = publishable
  }

  /** In order. */
  names(prefix = ''): string[] {
    const wanted = prefix.replace(contextPrefix, '')
    return Array.from(this.#contracts, subjectOf).filter((name) => name.startsWith(wanted))
  }

  has(subject: string): boolean {
    return this.#find(subject) !== undefined
  }

  /** @throws RegistryError `subject_not_found` */
  contract(subject: string): Contract {
    const contract = this.#find(subject)
    if (contract !== undefined) return contract
    throw new RegistryError('subject_not_found', this.#noSubject(subject))
  }

  /** @throws RegistryError `version_not_found`: no version can be published for now */
  newestPublishable(contract: Contract): ContractVersion {
    const newest = this.#verdicts(contract).findLast(isPublishable)
    if (newest !== undefined) return newest.version
    const last = this.#verdicts(contract).at(-1)
    throw new RegistryError(
      'version_not_found',
      `No version of ${subjectOf(contract)} can be published for now${last ? blockers(last) : ''}`,
    )
  }

  /** Ascending. */
  publishable(contract: Contract): ContractVersion[] {
    return this.#verdicts(contract)
      .filter(isPublishable)
      .map(({ version }) => version)
  }

  /** @throws RegistryError `schema_not_found`: it is one of the contract, but not publishable yet */
  requirePublishable(contract: Contract, version: ContractVersion): void {
    const verdict = this.#verdicts(contract)[version.n - 1]
    if (verdict === undefined || isPublishable(verdict)) return
    throw new RegistryError(
      'schema_not_found',
      `The schema is version ${version.n} of ${subjectOf(contract)}, which cannot be published yet${blockers(verdict)}`,
    )
  }

  /**
   * @param text a number, or `latest` or `-1` for the newest publishable one
   * @throws RegistryError `invalid_version`, `version_not_found`
   */
  version(contract: Contract, text: string): ContractVersion {
    return isLatest(text) ? this.newestPublishable(contract) : numbered(contract, text)
  }

  /**
   * As the writer of the next version needs it: `latest` is the newest that there is, publishable
   * or not, since that is what the next one follows.
   * @throws RegistryError `invalid_version`, `version_not_found`
   */
  versionToFollow(contract: Contract, text: string): ContractVersion {
    return isLatest(text) ? contract.newest : numbered(contract, text)
  }

  /**
   * Where a schema id is used; equal schemas of several topics have one id.
   * @throws RegistryError `schema_not_found`
   */
  withSchemaId(schemaId: number): [SubjectVersion, ...SubjectVersion[]] {
    const [first, ...others] = Array.from(this.#contracts).flatMap((contract) =>
      contract.versions
        .filter((version) => version.schemaId === schemaId)
        .map((version) => ({ subject: subjectOf(contract), version })),
    )
    if (first !== undefined) return [first, ...others]
    throw new RegistryError(
      'schema_not_found',
      `No contract has a schema with the id ${schemaId}. If the contract is new, ingest has to be started with it.`,
    )
  }

  #find(subject: string): Contract | undefined {
    const name = subject.replace(contextPrefix, '')
    if (!name.endsWith(valueSuffix)) return undefined
    return this.#contracts.get(name.slice(0, -valueSuffix.length))
  }

  #verdicts(contract: Contract): readonly VersionVerdict[] {
    return this.#publishable.verdicts(contract)
  }

  #noSubject(name: string): string {
    const shown = name.slice(0, 260)
    const topic = name.slice(0, -keySuffix.length)
    if (name.endsWith(keySuffix) && this.#contracts.get(topic) !== undefined) {
      return `There is no subject "${shown}": keys of ${topic} are plain UTF-8 text, without a schema. Write them with a string serializer.`
    }
    return `There is no subject "${shown}"${didYouMean(shown, this.names())}. The subject of a topic is <topic>-value; GET /subjects lists those that there are.`
  }
}

export function subjectOf(contract: Contract): string {
  return `${contract.topic}${valueSuffix}`
}

function isLatest(text: string): boolean {
  return text === 'latest' || text === '-1'
}

function numbered(contract: Contract, text: string): ContractVersion {
  const n = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (n < 1 || n > versionMax) {
    throw new RegistryError(
      'invalid_version',
      `"${text.slice(0, 40)}" is not a version: a number from 1 to ${versionMax}, or "latest".`,
    )
  }
  const version = contract.versions[n - 1]
  if (version !== undefined) return version
  const { length } = contract.versions
  const known = length === 1 ? 'version 1 only' : `the versions 1 to ${length}`
  throw new RegistryError('version_not_found', `${subjectOf(contract)} has ${known}, not ${n}.`)
}

function isPublishable({ blockedBy }: VersionVerdict): boolean {
  return blockedBy.length === 0
}

function blockers({ blockedBy }: VersionVerdict): string {
  const releases = blockedBy.map(
    ({ application, release, reason }) => `${application}/${release} (${reason})`,
  )
  return `: there are releases that cannot decode it: ${releases.join(', ')}.`
}
