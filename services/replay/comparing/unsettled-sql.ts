import { quoteName } from '@kappa/applications/spark-sql'
import type { ComparedSide, ComparedSides } from './compared-side.ts'
import { longestWindowMs } from './longest-window.ts'

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
  if (watermarkMs === undefined) return 'true'
  // What one side has given up to its watermark, the other has up to the same or a later one.
  const isBehind = having.watermarkMs === undefined || having.watermarkMs > watermarkMs
  if (having.view.outputMode === 'append' && !isBehind) return 'false'
  const { time, sql } = having.view
  const windowMs = longestWindowMs(sql)
  if (time === undefined || windowMs === undefined) return 'true'
  // The time may be the start of a window, whose row comes after its end.
  const fromMs = watermarkMs - windowMs
  return `coalesce(${row}.${quoteName(time)} >= timestamp_millis(${fromMs}), true)`
}
