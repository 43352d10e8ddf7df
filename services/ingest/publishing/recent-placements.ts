import type { Placement } from '@kappa/kafka/port'

/** Where the newest events lie in the log, by id; the oldest are forgotten first. */
export class RecentPlacements {
  readonly #countMax: number
  readonly #byId = new Map<string, Placement>()

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get(id: string): Placement | undefined {
    return this.#byId.get(id)
  }

  add(id: string, { partition, offset }: Placement): void {
    this.#byId.delete(id)
    this.#byId.set(id, { partition, offset })
    if (this.#byId.size <= this.#countMax) return
    for (const oldest of this.#byId.keys()) {
      this.#byId.delete(oldest)
      return
    }
  }
}
