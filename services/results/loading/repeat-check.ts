/** Runs `check` again and again, `intervalMs` after the last run ended, until stopped. */
export function repeatCheck(
  intervalMs: number,
  check: () => Promise<void>,
): { stop(): Promise<void> } {
  let stopped = false
  let wake = (): void => undefined
  const run = async () => {
    while (!stopped) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, intervalMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (!stopped) await check()
    }
  }
  const running = run()
  return {
    stop: () => {
      stopped = true
      wake()
      return running
    },
  }
}
