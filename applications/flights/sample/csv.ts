import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'

/** A line of a CSV file: the texts by column name, and the number of its line, from 1. */
export type CsvRow = { readonly line: number; readonly [column: string]: string | number }

/**
 * Reads a CSV file with a header, gzipped if its name ends in `.gz`, row by row.
 *
 * @throws if the file can't be read, or a line has other columns than the header
 */
export async function* readCsv(path: string): AsyncGenerator<CsvRow> {
  const parser = parse({ columns: true, info: true })
  const source = createReadStream(path)
  const reading = path.endsWith('.gz')
    ? pipeline(source, createGunzip(), parser)
    : pipeline(source, parser)
  // The parser passes the same error on to the loop below, which is where it is reported.
  reading.catch(() => undefined)
  try {
    for await (const { record, info } of parser) yield { ...record, line: info.lines }
    await reading
  } catch (cause) {
    throw new Error(`Can't read the CSV file ${path}: ${String(cause)}`, { cause })
  } finally {
    source.destroy()
  }
}
