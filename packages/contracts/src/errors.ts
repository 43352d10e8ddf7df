/** One thing that is wrong in a contract's files. `line` is 1-based. */
export interface ContractProblem {
  readonly file: string
  readonly line?: number
  readonly message: string
  /** Names of fields from the root, joined with dots, when a rule about versions is broken. */
  readonly field?: string
  /** The rule about versions that is broken, as in `missing_default`. */
  readonly rule?: string
}

/** The contracts in a folder cannot be used. Lists every problem that was found, not the first. */
export class ContractError extends Error {
  readonly code = 'invalid_contract'
  readonly problems: readonly ContractProblem[]

  constructor(problems: readonly ContractProblem[]) {
    super(problems.map(describeProblem).join('\n'))
    this.name = 'ContractError'
    this.problems = problems
  }
}

/** `file:line: message`, the form that editors and terminals turn into a link. */
export function describeProblem(problem: ContractProblem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`
  return `${place}: ${problem.message}`
}
