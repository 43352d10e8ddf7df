/** Waits, without keeping the process alive. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}

/**
 * The promise's outcome, or the error of `onTimeout` after `ms`. What the promise does
 * afterwards is of no interest any more.
 */
export function within<T>(promise: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(onTimeout()), ms)
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

/** Resolves when the promise settles, or after `ms`; true when it was resolved. */
export function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return within(promise, ms, () => new Error('timeout')).then(
    () => true,
    () => false,
  )
}
