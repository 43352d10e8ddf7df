import type { Contract } from '@kappa/contracts/contract'
import type { Contracts } from '@kappa/contracts/contracts'
import { didYouMean } from '@kappa/contracts/suggest'
import { ServiceError } from '@kappa/service/errors'
import type { AdmissionRules } from './admission.ts'
import { ImportGate, type ImportState } from './import-gate.ts'

/** One topic that events can be published to. */
export interface Topic {
  readonly contract: Contract
  readonly gate: ImportGate
  readonly rules: AdmissionRules
}

/** The topics that have a contract, each with its rules and the state of its import. */
export class Topics {
  readonly contracts: Contracts
  readonly #byName = new Map<string, Topic>()

  constructor(
    contracts: Contracts,
    eventBytesMax: number,
    recoverImport: (topic: string) => Promise<ImportState>,
  ) {
    this.contracts = contracts
    for (const contract of contracts) {
      const { topic, eventTimeField, earlinessMs } = contract
      this.#byName.set(topic, {
        contract,
        gate: new ImportGate(topic, () => recoverImport(topic)),
        rules: { eventTimeField, earlinessMs, eventBytesMax },
      })
    }
  }

  [Symbol.iterator](): Iterator<Topic> {
    return this.#byName.values()
  }

  /** @throws ServiceError `unknown_topic`, with the name that was probably meant */
  get(name: string): Topic {
    const topic = this.#byName.get(name)
    if (topic !== undefined) return topic
    const hint = didYouMean(name, this.#byName.keys())
    throw new ServiceError(
      'unknown_topic',
      `No contract has the topic "${name.slice(0, 249)}"${hint}. GET /v1/topics lists those that there are.`,
    )
  }
}
