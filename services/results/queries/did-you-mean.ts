import { suggest } from '@kappa/contracts/suggest'

const namesShownMax = 20

/** A sentence for an error message: what was probably meant, else what there is. */
export function hint(name: string, candidates: readonly string[]): string {
  const near = suggest(name, candidates)
  if (near !== undefined) return `Did you mean "${near}"?`
  if (candidates.length === 0) return 'There is none.'
  return `There are: ${candidates.slice(0, namesShownMax).join(', ')}.`
}
