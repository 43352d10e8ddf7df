/** What the real-server tests need of the test stack, which `test/run.ts` puts into the environment. */
export type SparkTestStack = {
  kafkaBrokers: string
  sparkJarsFolder: string
  sparkArchiveFile?: string
  java: string
}

/** Reads it from `KAPPA_TEST_STACK`. Only what this package uses, so that it can be tested by itself. */
export function sparkTestStack(): SparkTestStack {
  const text = process.env.KAPPA_TEST_STACK
  if (text === undefined) {
    throw new Error(
      'KAPPA_TEST_STACK is not set: run the tests with `npm test`, which starts the stack',
    )
  }
  return JSON.parse(text) as SparkTestStack
}
