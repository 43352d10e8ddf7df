import { randomUUID } from 'node:crypto'
import type { ExpectedViewDifferences, ViewComparison } from '@kappa/applications/replay-record'
import { quoteName } from '@kappa/applications/spark-sql'
import type { SparkSession } from '@kappa/spark-connect/session'
import { checkExpectedDifferences } from './check-expected.ts'
import { readableTypes } from './column-types.ts'
import { compareRowsSql, type RowsToCompare, sharedColumns } from './compare-rows-sql.ts'
import { countRows, noRows, sampleRows } from './compared-rows.ts'
import type { ComparedSides } from './compared-side.ts'
import type { ComparingParts } from './comparing-parts.ts'
import { foldSql, registerChangelog, sortPartitions } from './fold-changelog.ts'
import { keyChange, schemaChanges } from './schema-changes.ts'
import { verdictOf } from './verdict.ts'

/** `position` is the caller's to add. */
type Compared = Omit<ViewComparison, 'view' | 'position'>

/** What is found of a view before any row is read. */
export function withoutRows(sides: ComparedSides): Omit<Compared, 'verdict'> {
  return { ...noRows, changed_by_column: {}, schema_changes: schemaChanges(sides), samples: [] }
}

/**
 * Holds the rows of one view of two releases against each other, in Spark: both changelogs are read
 * once and sorted together on disk, then counted; nothing but counts and samples comes here.
 *
 * @throws ExpectedDifferencesError when what is expected cannot be meant
 * @throws SparkError when the changelogs cannot be read or a record of them is not of ours
 */
export async function compareView(
  parts: ComparingParts,
  sides: ComparedSides,
  expected: ExpectedViewDifferences = {},
): Promise<Compared> {
  const { session, kafka } = parts
  const before = withoutRows(sides)
  const reason = keyChange(sides)
  if (reason !== undefined) return { ...before, verdict: 'not_comparable', reason }
  await session.setConfig(settings)
  await checkExpectedDifferences(session, sides, expected)
  const names = namesOf(randomUUID())
  try {
    await registerChangelog(session, names.old, sides.old, kafka)
    await registerChangelog(session, names.new, sides.new, kafka)
    const rows: RowsToCompare = {
      sides,
      types: {
        old: await readableTypes(session, sides.old.view.columns),
        new: await readableTypes(session, sides.new.view.columns),
      },
      expected,
      folded: foldSql(names, sortPartitions(sides.old, sides.new)),
    }
    await keepOnDisk(session, names.compared, compareRowsSql(rows))
    const { counts, changedByColumn, sameButDeclared } = await countRows(
      parts,
      names.compared,
      sharedColumns(rows),
      expected.columns ?? [],
    )
    const undeclared = before.schema_changes.filter(
      ({ column }) => !expected.columns?.includes(column),
    )
    return {
      ...before,
      ...verdictOf(counts, undeclared, parts.bounds.unsettledRowsMax, sameButDeclared),
      ...counts,
      changed_by_column: changedByColumn,
      samples: await sampleRows(parts, names.compared, counts),
    }
  } finally {
    await session.execute(`UNCACHE TABLE IF EXISTS ${quoteName(names.compared)}`)
    for (const name of Object.values(names)) {
      await session.execute(`DROP VIEW IF EXISTS ${quoteName(name)}`)
    }
  }
}

const settings = {
  'spark.sql.session.timeZone': 'UTC',
  // A declared condition that cannot be computed for a key does not hold for it, instead of failing.
  'spark.sql.ansi.enabled': 'false',
  // Rows that are built in memory at once, by each task.
  'spark.sql.inMemoryColumnarStorage.batchSize': '1000',
}

function namesOf(id: string): { old: string; new: string; compared: string } {
  const name = (what: string) => `kappa_${what}_${id.replaceAll('-', '')}`
  return { old: name('old'), new: name('new'), compared: name('compared') }
}

/** Counts and samples are two queries; the second finds what the first has computed. */
async function keepOnDisk(session: SparkSession, name: string, query: string): Promise<void> {
  await session.sql(query).createOrReplaceTempView(name)
  await session.execute(
    `CACHE LAZY TABLE ${quoteName(name)} OPTIONS ('storageLevel' = 'DISK_ONLY')`,
  )
}
