import type { Output } from './command.ts'

const columnsDefault = 80

/** Lines that a terminal shows in the place of those before them. */
export class RedrawnLines {
  readonly #output: Output
  #drawn = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** So many characters of a line are shown: in the last column, some terminals begin a new one. */
  get columns(): number {
    return (this.#output.columns ?? columnsDefault) - 1
  }

  /** Draws them over what was drawn last, cut to the terminal's width; on no terminal, below it. */
  show(lines: readonly string[]): void {
    if (this.#output.isTTY !== true) {
      this.#output.write(lines.map((line) => `${line}\n`).join(''))
      return
    }
    const text = lines.map((line) => line.slice(0, this.columns)).join('\n')
    this.#output.write(`${this.#erasing()}${text}`)
    this.#drawn = lines.length
  }

  /** Takes them away. */
  end(): void {
    if (this.#drawn > 0) this.#output.write(this.#erasing())
    this.#drawn = 0
  }

  /** Leaves them, and goes on below. */
  keep(): void {
    if (this.#drawn > 0) this.#output.write('\n')
    this.#drawn = 0
  }

  /** To the first line's beginning, and from there to the screen's end. */
  #erasing(): string {
    if (this.#drawn < 2) return '\r\u001b[K'
    return `\r\u001b[${this.#drawn - 1}A\u001b[J`
  }
}
