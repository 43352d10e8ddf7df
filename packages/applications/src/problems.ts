export interface Problem {
  readonly file: string
  /** From 1; left out where the problem is about the file as a whole. */
  readonly line?: number
  readonly message: string
}

/** Thrown once with every problem of an application's files. */
export class ApplicationError extends Error {
  readonly problems: readonly Problem[]

  constructor(application: string, problems: readonly Problem[]) {
    super(
      `Application ${application} is wrong:\n${problems.map((problem) => `  - ${formatProblem(problem)}`).join('\n')}`,
    )
    this.name = 'ApplicationError'
    this.problems = problems
  }
}

export function formatProblem({ file, line, message }: Problem): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`
}
