/** An error whose message is meant for the person at the terminal: printed without a stack. */
export class LocalError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'LocalError'
  }
}
