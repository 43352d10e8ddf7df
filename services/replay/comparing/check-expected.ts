import type { ExpectedViewDifferences } from '@kappa/applications/replay-record'
import type { SparkSession } from '@kappa/spark-connect/session'
import { checkCondition } from './check-condition.ts'
import type { ComparedSides } from './compared-side.ts'
import { ExpectedDifferencesError } from './expected-differences-error.ts'
import { keyColumns } from './schema-changes.ts'

/**
 * Checks what is declared of one view, once Spark has analysed it in both releases; nothing is read.
 * @throws ExpectedDifferencesError
 */
export async function checkExpectedDifferences(
  session: SparkSession,
  sides: ComparedSides,
  expected: ExpectedViewDifferences,
): Promise<void> {
  const types = new Map(
    [sides.old, sides.new].flatMap(({ view }) =>
      view.columns.map(({ name, type }) => [name, type]),
    ),
  )
  const names = [...types.keys()].join(', ')
  for (const name of expected.columns ?? []) {
    if (!types.has(name)) {
      throw new ExpectedDifferencesError('columns', `names ${name}; the columns are ${names}.`)
    }
    if (sides.new.view.key.includes(name)) {
      const message = `names the key column ${name}; rows of other keys are told by expected.where.`
      throw new ExpectedDifferencesError('columns', message)
    }
  }
  for (const name of Object.keys(expected.tolerance ?? {})) {
    const type = types.get(name)
    if (type === undefined || !/\b(double|float)\b/i.test(type)) {
      const found = type === undefined ? `the columns are ${names}` : `its type is ${type}`
      const message = `names ${name}; it is for columns of type double or float, and ${found}.`
      throw new ExpectedDifferencesError('tolerance', message)
    }
  }
  if (expected.where !== undefined) {
    await checkCondition(session, expected.where, keyColumns(sides.new.view))
  }
}
