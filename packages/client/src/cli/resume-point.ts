/** Keeps track of the first line of the input whose event is not settled, in bounded memory. */
export class ResumePoint {
  /** Lines of the events from `#base` on; settled ones are 0. */
  #lines: number[] = []
  #first = 0
  #base = 0
  #lastLine = 0

  /** Events are counted from 0, in the order of these calls. */
  read(line: number): void {
    this.#lines.push(line)
    this.#lastLine = line
  }

  settled(index: number): void {
    this.#lines[index - this.#base] = 0
    while (this.#lines[this.#first] === 0) this.#first++
    if (this.#first > 4_096) {
      this.#lines = this.#lines.slice(this.#first)
      this.#base += this.#first
      this.#first = 0
    }
  }

  /** The line to go on from, from 1. */
  get line(): number {
    return this.#lines[this.#first] ?? this.#lastLine + 1
  }
}
