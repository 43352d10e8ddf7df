/** The candidate that is nearest to a misspelt name, or undefined when none is near. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const distances = candidates.map((candidate) => ({
    candidate,
    distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }))
  const best = distances.sort((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= Math.max(2, name.length / 3) ? best.candidate : undefined
}

/** A sentence for an error message: what was probably meant, else what there is. */
export function suggest(name: string, candidates: readonly string[]): string {
  const near = nearest(name.slice(0, 200), candidates)
  if (near !== undefined) return `Did you mean "${near}"?`
  if (candidates.length === 0) return 'There is none.'
  return `There are: ${candidates.slice(0, 20).join(', ')}.`
}

/** Levenshtein's distance, one row of the matrix at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
