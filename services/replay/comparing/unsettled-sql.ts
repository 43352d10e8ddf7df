import { quoteName } from '@kappa/applications/spark-sql'
import type { ComparedSide, ComparedSides } from './compared-side.ts'

/**
 * SQL condition over `old_json`, `new_json`, `old_row` and `new_row` of whether a row that one
 * side lacks may still come there: in append mode a row can wait for the watermark to pass it.
 */
export function unsettledSql(sides: ComparedSides): string {
  return `CASE
    WHEN old_json IS NULL THEN ${mayStillCome(sides.old, sides.new, 'new_row')}
    WHEN new_json IS NULL THEN ${mayStillCome(sides.new, sides.old, 'old_row')}
    ELSE false
  END`
}

function mayStillCome(lacking: ComparedSide, having: ComparedSide, row: string): string {
  if (lacking.view.outputMode !== 'append') return 'false'
  const { watermarkMs } = lacking
  const bothWaited = having.view.outputMode === 'append' && having.watermarkMs === watermarkMs
  if (watermarkMs === undefined) return 'true'
  // Both have given everything up to one and the same watermark.
  if (bothWaited) return 'false'
  const { time } = having.view
  if (time === undefined) return 'true'
  return `coalesce(${row}.${quoteName(time)} >= timestamp_millis(${watermarkMs}), true)`
}
