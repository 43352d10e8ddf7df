export interface ResultsTestStack {
  readonly kafkaBrokers: readonly string[]
  readonly redisUrl: string
  readonly redisPasswordFile: string
}

/** What the tests of results use of the running stack. */
export function testStack(): ResultsTestStack {
  const stack = process.env.KAPPA_TEST_STACK
  if (stack === undefined) {
    throw new Error('KAPPA_TEST_STACK is not set: run the tests with "npm test", which starts it')
  }
  const { kafkaBrokers, redisUrl, redisPasswordFile } = JSON.parse(stack)
  return { kafkaBrokers: [kafkaBrokers].flat(), redisUrl, redisPasswordFile }
}
