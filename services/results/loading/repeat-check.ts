export interface RepeatedCheck {
  /** Runs it as soon as it does not run. */
  soon(): void
  stop(): Promise<void>
}

/** Runs `check` again and again, `intervalMs` after the last run ended, until stopped. */
export function repeatCheck(intervalMs: number, check: () => Promise<void>): RepeatedCheck {
  let stopped = false
  let isAsked = false
  let wake = (): void => undefined
  const run = async () => {
    while (!stopped) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, isAsked ? 0 : intervalMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      isAsked = false
      if (!stopped) await check()
    }
  }
  const running = run()
  return {
    soon: () => {
      isAsked = true
      wake()
    },
    stop: () => {
      stopped = true
      wake()
      return running
    },
  }
}
