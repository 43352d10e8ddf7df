/** An error whose message is meant for the person at the terminal: printed without a stack. */
export class SetupProblem extends Error {
  /** @param {string} message @param {{ cause?: unknown }} [options] */
  constructor(message, options) {
    super(message, options)
    this.name = 'SetupProblem'
  }
}
