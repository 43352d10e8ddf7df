import type { Contract } from './contract.ts'
import { EarlierStateError, readContractFiles, readEarlierState } from './earlier-state.ts'
import type { ContractProblem } from './errors.ts'
import { readContracts } from './load.ts'
import { publishedChanges } from './published-changes.ts'

export interface CheckOptions {
  /**
   * The state in which the contracts were published: another folder, or `git:` and a revision of
   * the repository that the folder is in, as in `git:origin/main`.
   */
  readonly against?: string
}

export interface ContractCheck {
  /** Those without problems of their own. */
  readonly contracts: readonly Contract[]
  /** Versions of the earlier state that were compared; 0 without `against`. */
  readonly versionsCompared: number
  /** In order of topics and files: first what is wrong by itself, then what was published before. */
  readonly problems: readonly ContractProblem[]
}

/**
 * Checks the contracts in a folder: the files themselves, the rules of each topic's
 * `compatibility` between its versions and, with `against`, that nothing changed that events in
 * the log depend on. Never throws for what the files hold: everything is in `problems`.
 */
export async function checkContracts(
  folder: string,
  options: CheckOptions = {},
): Promise<ContractCheck> {
  const { contracts, problems } = await readContracts(folder)
  const { against } = options
  // What keeps the folder itself from being read is among the problems already.
  const current = await readContractFiles(folder).catch(() => undefined)
  if (against === undefined || current === undefined)
    return { contracts, problems, versionsCompared: 0 }
  try {
    const earlier = await readEarlierState(folder, against)
    const changes = publishedChanges(folder, earlier, current)
    const versionsCompared = [...earlier.keys()].filter((path) => path.endsWith('.avsc')).length
    return { contracts, problems: [...problems, ...changes], versionsCompared }
  } catch (error) {
    if (!(error instanceof EarlierStateError)) throw error
    const unreadable = { file: against, message: error.message, rule: 'earlier_state' }
    return { contracts, problems: [...problems, unreadable], versionsCompared: 0 }
  }
}
