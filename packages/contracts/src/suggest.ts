const nameLengthMax = 64
const candidatesMax = 200
/** Pairs of characters that are compared in a second: about 30 ms of one processor. */
const pairsPerSecondMax = 1_000_000

/**
 * The candidate that was most likely meant, or undefined if none is near. Compares without
 * case, `_` and `-`, so that `tailNumber` finds `tail_number`, then by edit distance (at most a
 * third of the length). Work is bounded: long names and long lists are cut, and when hostile input
 * asks for hints by the thousand, most of them are not looked for.
 */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > nameLengthMax || !spend(name.length)) return undefined
  const wanted = fold(name)
  const distanceMax = Math.max(1, Math.floor(wanted.length / 3))
  let best: string | undefined
  let bestDistance = distanceMax + 1
  let seen = 0
  for (const candidate of candidates) {
    if (++seen > candidatesMax) break
    if (candidate.length > nameLengthMax) continue
    if (!spend(wanted.length * candidate.length)) return undefined
    const distance = editDistance(wanted, fold(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** ` (did you mean "x"?)`, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const found = suggest(name, candidates)
  return found === undefined ? '' : ` (did you mean "${found}"?)`
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '')
}

let pairsLeft = pairsPerSecondMax
let refilledAtMs = 0

/** Whether so much work may be done now. */
function spend(pairs: number): boolean {
  const now = performance.now()
  if (now - refilledAtMs >= 1_000) {
    pairsLeft = pairsPerSecondMax
    refilledAtMs = now
  }
  pairsLeft -= Math.max(pairs, nameLengthMax)
  return pairsLeft >= 0
}

/** Optimal string alignment: a swap of neighbours counts one. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let distance = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(distance)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
