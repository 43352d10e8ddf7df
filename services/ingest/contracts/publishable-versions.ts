import type { Contract, ContractVersion } from '@kappa/contracts/contract'

/** A release that reads a topic and cannot decode some version of its contract. */
export interface BlockingRelease {
  readonly application: string
  readonly release: number
  readonly reason: string
  /** Whether replay, started again with these contracts, makes it decode the version. */
  readonly restart_helps: boolean
}

/** Whether one version of a contract may be written. */
export interface VersionVerdict {
  readonly version: ContractVersion
  /** Empty: it may. */
  readonly blockedBy: readonly BlockingRelease[]
}

/**
 * Which versions of a contract may be written: those that every release that reads the topic can
 * decode, so that a new version never makes a running view miss an event.
 */
export interface PublishableVersions {
  /**
   * @param requested the version that the producer names; undefined for the newest publishable one
   * @throws ServiceError `unknown_version`, or `version_not_publishable` with the releases that
   *   cannot decode it
   */
  choose(contract: Contract, requested: number | undefined): ContractVersion
  /** Every version of the contract, in order. */
  verdicts(contract: Contract): readonly VersionVerdict[]
}
