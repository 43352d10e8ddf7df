import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'

const CONTEXT_LINES = 3
/** Above it the search for the shortest diff takes seconds, and nobody reads the result. */
const CHANGED_LINES_MAX = 2_000

/**
 * A unified diff of two SQL texts; undefined when they are the same. An absent one is null. When
 * more than 2,000 lines differ, it takes all old lines away and adds all new ones.
 *
 * @param file name in the application's folder
 */
export function sqlDiff(file: string, old: string | null, now: string | null): string | undefined {
  if (old === now) return undefined
  const from = old === null ? '/dev/null' : `live/${file}`
  const to = now === null ? '/dev/null' : `folder/${file}`
  const patch = (before: string, after: string) =>
    createTwoFilesPatch(from, to, before, after, undefined, undefined, {
      context: CONTEXT_LINES,
      headerOptions: FILE_HEADERS_ONLY,
      maxEditLength: CHANGED_LINES_MAX,
    })
  return patch(old ?? '', now ?? '') ?? wholeDiff(from, to, old ?? '', now ?? '')
}

function wholeDiff(from: string, to: string, old: string, now: string): string {
  const [removed, added] = [linesOf(old), linesOf(now)]
  const hunk = `@@ -${range(removed)} +${range(added)} @@`
  const lines = [...removed.map((line) => `-${line}`), ...added.map((line) => `+${line}`)]
  return [`--- ${from}`, `+++ ${to}`, hunk, ...lines, ''].join('\n')
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

function range(lines: readonly string[]): string {
  return lines.length === 0 ? '0,0' : `1,${lines.length}`
}
