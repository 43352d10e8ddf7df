import { quoteName } from '@kappa/applications/spark-sql'
import type { SparkSession } from '@kappa/spark-connect/session'
import type { ComparedSide } from './compared-side.ts'

/** More records a task make sorting spill more often; fewer make more tasks than work. */
const RECORDS_PER_PARTITION = 100_000
const PARTITIONS_MAX = 2_000

/**
 * Gives the records of a changelog, up to the side's ends, a name in the session: `key`, `value`
 * (null deletes), `batch` (epoch ms) and `offset`. A record that no release of ours writes fails
 * the query that reads it: going on without it would compare wrong rows.
 * What compaction has removed is no loss to Spark. It is one to the rows when a record beyond the
 * end has taken the place of one before it: compaction has to lag behind the comparison.
 */
export async function registerChangelog(
  session: SparkSession,
  name: string,
  { view, changelogEnds }: ComparedSide,
  kafka: Readonly<Record<string, string>>,
): Promise<void> {
  const { topic, partitions } = view.changelog
  const ends = Array.from({ length: partitions }, (_, partition) => [
    partition,
    // JSON numbers lose digits past 2^53, which is more records than a changelog can have.
    Number(changelogEnds[partition] ?? 0),
  ])
  const options = {
    ...kafka,
    subscribe: topic,
    includeHeaders: 'true',
    startingOffsets: 'earliest',
    endingOffsets: JSON.stringify({ [topic]: Object.fromEntries(ends) }),
    failOnDataLoss: 'true',
  }
  await session
    .read({ format: 'kafka', options })
    .select(
      `coalesce(CAST(key AS STRING), ${unusable('it has no key')}) AS key`,
      'CAST(value AS STRING) AS value',
      `coalesce(try_cast(${batchHeader} AS BIGINT), ${unusable('its header kappa-batch is no time in epoch ms')}) AS batch`,
      'offset',
    )
    .createOrReplaceTempView(name)
}

const batchHeader = `CAST(filter(headers, header -> header.key = 'kappa-batch')[0].value AS STRING)`

function unusable(reason: string): string {
  return `raise_error(concat('Record ', offset, ' of ', topic, ' partition ', partition, ' cannot be compared: ${reason}.'))`
}

/** How many partitions the records of both changelogs are sorted in; each spills to disk. */
export function sortPartitions(...sides: readonly ComparedSide[]): number {
  const records = sides
    .flatMap(({ changelogEnds }) => Object.values(changelogEnds))
    .reduce((sum, end) => sum + Number(end), 0)
  return Math.min(Math.max(Math.ceil(records / RECORDS_PER_PARTITION), 1), PARTITIONS_MAX)
}

/**
 * SQL of the last row of every key on either side: `key`, `old_json`, `new_json` (null: no row).
 * The last record of a key is the newest by batch, then by offset: an outdated batch that a zombie
 * has written late never replaces a newer row. Grouping the records of both sides together is
 * fold and full outer join in one shuffle and one sort, whatever partitions the topics have.
 */
export function foldSql(changelogs: { old: string; new: string }, partitions: number): string {
  const records = (name: string, isNew: boolean) =>
    `SELECT key, value, struct(batch, offset) AS version, ${isNew} AS is_new FROM ${quoteName(name)}`
  return `
    SELECT * FROM (
      SELECT
        key,
        max_by(value, version) FILTER (WHERE NOT is_new) AS old_json,
        max_by(value, version) FILTER (WHERE is_new) AS new_json
      FROM (
        SELECT /*+ REPARTITION(${partitions}, key) */ *
        FROM (${records(changelogs.old, false)} UNION ALL ${records(changelogs.new, true)})
      )
      GROUP BY key
    )
    WHERE old_json IS NOT NULL OR new_json IS NOT NULL`
}
