/** Gives every type of the generated file a name of its own, the same in every run. */
export class TypescriptNames {
  readonly #used: Set<string>

  /** @param taken names that the file uses for something else */
  constructor(taken: readonly string[]) {
    this.#used = new Set([...taken, 'Date'])
  }

  /** A name made of the words, in PascalCase: `flights.departures` is `FlightsDepartures`. */
  take(...words: readonly string[]): string {
    const parts = words.flatMap((word) => word.split(/[^A-Za-z0-9]+/)).filter((part) => part !== '')
    const joined = parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('')
    const name = /^[A-Z]/.test(joined) ? joined : `Topic${joined}`
    let free = name
    for (let count = 2; this.#used.has(free); count++) free = `${name}${count}`
    this.#used.add(free)
    return free
  }
}
