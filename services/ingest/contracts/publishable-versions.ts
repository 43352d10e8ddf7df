import type { Contract, ContractVersion } from '@kappa/contracts/contract'

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
}
