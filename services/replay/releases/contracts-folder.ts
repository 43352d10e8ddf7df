import type { Contracts } from '@kappa/contracts/contracts'
import { loadContracts } from '@kappa/contracts/load'

/** The contracts as the folder had them when they were last read. */
export class ContractsFolder {
  readonly #folder: string
  #contracts: Contracts

  private constructor(folder: string, contracts: Contracts) {
    this.#folder = folder
    this.#contracts = contracts
  }

  /** @throws ContractError naming what is wrong. */
  static async read(folder: string): Promise<ContractsFolder> {
    return new ContractsFolder(folder, await loadContracts(folder))
  }

  get current(): Contracts {
    return this.#contracts
  }

  /** A replay takes contracts as they are when it is asked for. @throws ContractError */
  async readAgain(): Promise<Contracts> {
    this.#contracts = await loadContracts(this.#folder)
    return this.#contracts
  }
}
