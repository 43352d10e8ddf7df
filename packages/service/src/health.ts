/**
 * Health is progress: a part is ready while its check gives no reason against it.
 * A check answers from memory; it never waits.
 */
export type HealthCheck = () => string | undefined

export class Health {
  readonly #checks = new Map<string, HealthCheck>()
  #stopping = false

  addCheck(part: string, check: HealthCheck): void {
    this.#checks.set(part, check)
  }

  /** From now on not ready, so that no new request is sent here while the open ones are answered. */
  markStopping(): void {
    this.#stopping = true
  }

  get stopping(): boolean {
    return this.#stopping
  }

  parts(): Iterable<string> {
    return this.#checks.keys()
  }

  /** Reasons by part; empty when ready. */
  reasons(): Record<string, string> {
    const reasons: Record<string, string> = {}
    if (this.#stopping) reasons.service = 'is stopping'
    for (const [part, check] of this.#checks) {
      const reason = check()
      if (reason !== undefined) reasons[part] = reason
    }
    return reasons
  }
}
