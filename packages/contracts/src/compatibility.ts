import type { RecordSchema, SchemaProblem } from './schema.ts'

export function checkEvolution(_older: RecordSchema, _newer: RecordSchema): SchemaProblem[] {
  return []
}
