import type { StackConnection } from '@kappa/local/stack'

/** The stack that `test/run.ts` has started for this run. */
export interface TestStack extends StackConnection {
  readonly sparkJarsFolder: string
  readonly kafkaJarsFolder: string
  /** AppCDS archive made with these jars. */
  readonly sparkArchiveFile: string
  readonly java: string
  /** A folder of this run, removed when it ends. */
  readonly stateFolder: string
}

/** @throws Error the tests were not started through `npm test` */
export function testStack(): TestStack {
  const text = process.env.KAPPA_TEST_STACK
  if (text === undefined) {
    throw new Error(
      'KAPPA_TEST_STACK is not set: this test needs the running stack. Run: npm test -- <file>',
    )
  }
  return JSON.parse(text)
}
