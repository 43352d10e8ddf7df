import type { Contract, ContractVersion } from './contract.ts'

export interface FoundSchema {
  readonly contract: Contract
  readonly version: ContractVersion
}

/** All contracts of a folder, by topic and by schema id. */
export class Contracts implements Iterable<Contract> {
  readonly #byTopic: ReadonlyMap<string, Contract>
  readonly #bySchemaId: ReadonlyMap<number, FoundSchema>

  constructor(contracts: readonly Contract[]) {
    this.#byTopic = new Map(contracts.map((contract) => [contract.topic, contract]))
    this.#bySchemaId = new Map(
      contracts.flatMap((contract) =>
        contract.versions.map((version) => [version.schemaId, { contract, version }] as const),
      ),
    )
  }

  /** In order of their names. */
  get topics(): readonly string[] {
    return [...this.#byTopic.keys()]
  }

  get(topic: string): Contract | undefined {
    return this.#byTopic.get(topic)
  }

  /**
   * The contract version that a schema id in the wire format stands for. Equal schemas of two
   * topics have one id; any of them decodes alike.
   */
  bySchemaId(schemaId: number): FoundSchema | undefined {
    return this.#bySchemaId.get(schemaId)
  }

  [Symbol.iterator](): Iterator<Contract> {
    return this.#byTopic.values()
  }
}
