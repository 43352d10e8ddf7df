const linesMax = 20
/** Of a log, so many lines hold what was said last, however long the stacks in it are. */
export const linesToRead = 400

/** What a process said last, in its words: without the frames of stacks. */
export function endOfLog(log: string): string {
  const said = log.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
  return said.slice(-linesMax).join('\n')
}
