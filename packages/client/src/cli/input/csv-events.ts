import { Readable } from 'node:stream'
import type { Field, RecordSchema } from '@kappa/contracts/schema'
import { didYouMean } from '@kappa/contracts/suggest'
import { type CsvError, type Info, parse } from 'csv-parse'
import { UsageError } from '../command.ts'
import { cellValue } from './csv-cell.ts'
import {
  InputEvent,
  type InputItem,
  InputProblem,
  inputEventBytesMax,
  shown,
} from './input-item.ts'

interface Row {
  readonly record: readonly string[]
  readonly info: Info
}

/**
 * The events of CSV (RFC 4180) whose header names fields of the contract. An empty cell is the
 * field's default, else null where the field takes it, else empty text for a string, else left out.
 *
 * @throws UsageError the header does not fit the contract, before any event
 */
export async function* csvEvents(
  chunks: AsyncIterable<Buffer>,
  schema: RecordSchema,
): AsyncGenerator<InputItem> {
  const skipped: InputProblem[] = []
  const rows = parse({
    bom: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: inputEventBytesMax,
    skip_records_with_error: true,
    on_skip: (error: CsvError | undefined, raw) => {
      const line = Number(error?.lines ?? 0)
      const message = error?.message ?? 'not a row'
      skipped.push(new InputProblem(line, 'malformed_csv', message, shown(raw ?? '')))
    },
  })
  const source = Readable.from(chunks)
  // The parser hands the source's error on to the loop below.
  source.on('error', (error) => rows.destroy(error))
  source.pipe(rows)
  try {
    let columns: readonly Field[] | undefined
    // Where a row begins is where the one before ended.
    let line = 1
    for await (const { record, info } of rows as AsyncIterable<Row>) {
      yield* skipped.splice(0)
      if (columns === undefined) columns = readHeader(record, schema)
      else yield toItem(record, columns, line)
      line = info.lines + 1
    }
    yield* skipped
  } finally {
    source.destroy()
  }
}

function readHeader(header: readonly string[], schema: RecordSchema): Field[] {
  const problems: string[] = []
  const names = header.map((name) => name.trim())
  const columns = names.map((name) => {
    const field = schema.fields.find((each) => each.name === name)
    if (field === undefined) {
      const known = schema.fields.map((each) => each.name)
      problems.push(`column "${name}" is no field of the contract${didYouMean(name, known)}`)
    }
    return field as Field
  })
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) problems.push(`column "${twice}" is there twice`)
  for (const { name, default: absent } of schema.fields) {
    if (absent === undefined && !names.includes(name)) problems.push(`column "${name}" is missing`)
  }
  if (problems.length > 0) throw new UsageError(`the header (line 1): ${problems.join('; ')}`)
  return columns
}

function toItem(record: readonly string[], columns: readonly Field[], line: number): InputItem {
  if (record.length !== columns.length) {
    const message = `the row has ${record.length} cells, the header ${columns.length}`
    return new InputProblem(line, 'malformed_csv', message, shown(record.join(',')))
  }
  const event: Record<string, unknown> = {}
  for (const [index, { name, schema, default: absent }] of columns.entries()) {
    const cell = record[index] as string
    if (cell !== '') event[name] = cellValue(schema, cell)
    else if (absent !== undefined) continue
    else if (schema.type === 'string') event[name] = ''
    else if (schema.type === 'union') {
      const types = schema.branches.map(({ type }) => type)
      if (types.includes('null')) event[name] = null
      else if (types.includes('string')) event[name] = ''
    }
  }
  return new InputEvent(JSON.stringify(event), line)
}
