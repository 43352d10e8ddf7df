import type { IncomingHttpHeaders } from 'node:http'
import { ApiError, ConnectionError } from '../../errors.ts'
import type { ResultsClient } from '../../results-client.ts'
import type { ViewMeta } from '../../view-answers.ts'
import {
  type Command,
  type CommandInput,
  exitCodes,
  type GivenOptions,
  type Io,
  UsageError,
} from '../command.ts'
import { plainText } from '../plain-text.ts'
import { resultsOptions, withResultsClient } from '../service-options.ts'
import { writePaced } from '../write-paced.ts'
import { columnsOf, originText, type RowsOrigin, rowsTable } from './render-rows.ts'
import {
  filtersText,
  readColumns,
  readViewArguments,
  type ViewTarget,
  viewArguments,
} from './view-arguments.ts'

const formats = ['table', 'json', 'ndjson', 'csv'] as const
type Format = (typeof formats)[number]

const limitDefault = 20
const pageRowsMax = 1_000
const timeoutMsMax = 60_000
/** Of a text in a terminal's table. */
const cellCharactersMax = 40

export const queryCommand: Command = {
  name: 'query',
  ...viewArguments,
  summary: 'query the rows of a view, as they are now',
  description: `${filtersText}

Tables are for reading: texts are cut on a terminal, nulls are empty. JSON, NDJSON and CSV are what the
service answers, to the last digit.`,
  options: {
    ...resultsOptions,
    order: {
      type: 'string',
      value: '<column>',
      dashed: true,
      summary: 'key, time or a ranked column; -time for the latest first',
    },
    limit: { type: 'string', value: '<n>', summary: `at most so many (default ${limitDefault})` },
    all: { type: 'boolean', summary: 'all rows, as NDJSON or CSV' },
    columns: { type: 'string', value: '<a,b>', summary: 'only these, in this order' },
    key: {
      type: 'string',
      value: '<key>',
      summary: 'the row of this key: UA,2013-01-01T05:00:00Z or a JSON array',
    },
    count: { type: 'boolean', summary: 'only how many rows there are' },
    format: { type: 'string', value: '<format>', summary: `${formats.join(', ')} (default table)` },
    json: { type: 'boolean', summary: 'the same as --format json' },
    await: {
      type: 'string',
      value: '<position>',
      summary: 'wait for all events before it: position of an answer to publish',
    },
    'await-for': {
      type: 'string',
      value: '<what>',
      summary: 'rows, or read where rows come with the watermark (default rows)',
    },
    'timeout-ms': { type: 'string', value: '<n>', summary: 'of --await (default 10000)' },
  },
  examples: [
    'kappa query flights/carrier_hours carrier=UA carrier=DL from=2013-01-15 to=2013-01-16',
    'kappa query flights/route_delays origin=LGA --order -time --limit 10',
    'kappa query flights/carrier_hours --all --format csv > carrier_hours.csv',
    'kappa query flights/aircraft_places --key N14228',
  ],
  async run({ positionals, options, io }) {
    const target = readViewArguments(positionals)
    const format = readFormat(options)
    const run = queryKind(target, options, format)
    return withResultsClient(options, io, (client) => run(client, { target, options, io, format }))
  },
}

interface QueryInput extends Pick<CommandInput, 'options' | 'io'> {
  readonly target: ViewTarget
  readonly format: Format
}

type RunQuery = (client: ResultsClient, input: QueryInput) => Promise<number>

/** @throws UsageError for options that do not go together */
function queryKind(target: ViewTarget, options: GivenOptions, format: Format): RunQuery {
  const [all, isCount, key] = [options.flag('all'), options.flag('count'), options.text('key')]
  if (key !== undefined || isCount) {
    const name = isCount ? '--count' : '--key'
    const others = ['key', 'count', 'all', 'order', 'limit'].filter((each) => options.flag(each))
    const other = others.find((each) => `--${each}` !== name)
    if (other !== undefined) throw new UsageError(`${name} does not go with --${other}`)
    if (format === 'ndjson' || format === 'csv') {
      throw new UsageError(`${name} goes with --format table or json`)
    }
  }
  if (key !== undefined && Object.keys(target.where).length > 0) {
    throw new UsageError('--key names the row: leave the filters out')
  }
  if (all && (format === 'table' || format === 'json')) {
    throw new UsageError('--all goes with --format ndjson or csv: a table or a page has a limit')
  }
  if (all && options.flag('limit')) throw new UsageError('--all does not go with --limit')
  if (isCount) return printCount
  if (key !== undefined) return format === 'json' ? printRowAnswer : printRow
  return format === 'table' ? printTable : printAnswer
}

function readFormat(options: GivenOptions): Format {
  const format = options.choice('format', formats)
  const json = options.flag('json')
  if (json && format !== undefined && format !== 'json') {
    throw new UsageError(`--json does not go with --format ${format}`)
  }
  return format ?? (json ? 'json' : options.flag('all') ? 'ndjson' : 'table')
}

function readAwait(options: GivenOptions) {
  const position = options.text('await')
  const awaitFor = options.choice('await-for', ['rows', 'read'] as const)
  const timeoutMs = options.integer('timeout-ms', 0, timeoutMsMax)
  return {
    ...(position === undefined ? {} : { await: position }),
    ...(awaitFor === undefined ? {} : { awaitFor }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
}

function readQuery({ target: { where }, options, format }: QueryInput) {
  const order = options.text('order')
  const isLines = format === 'ndjson' || format === 'csv'
  const limitMax = isLines ? Number.MAX_SAFE_INTEGER : pageRowsMax
  const limit = options.integer('limit', 1, limitMax) ?? limitDefault
  return {
    where,
    ...(order === undefined ? {} : { order }),
    ...(options.flag('all') ? {} : { limit }),
    ...readColumns(options.text('columns')),
    ...readAwait(options),
  }
}

async function printTable(client: ResultsClient, input: QueryInput): Promise<number> {
  const { io } = input
  const { application, view } = input.target
  const query = readQuery(input)
  const [page, known] = await Promise.all([
    // As texts, so that a person sees all digits.
    client.view(application, view).query({ ...query, numbers: 'string' }),
    columnsOfView(client, input.target),
  ])
  const columns = columnsOf(query.columns, known, page.rows)
  io.stdout.write(rowsTable(page.rows, columns, cellWidth(io)))
  const more = page.nextCursor === undefined ? '' : '; there are more'
  io.stderr.write(`${originText(page.meta, page.rows.length)}${more}\n`)
  return exitCodes.done
}

async function printRow(client: ResultsClient, input: QueryInput): Promise<number> {
  const { options, io } = input
  const { application, view } = input.target
  const chosen = readColumns(options.text('columns'))
  const key = options.text('key') ?? ''
  const [found, known] = await Promise.all([
    client
      .view(application, view)
      .get(key, { ...chosen, ...readAwait(options), numbers: 'string' }),
    columnsOfView(client, input.target),
  ])
  if (found === undefined) return tellUnknownKey(io, key)
  const columns = columnsOf(chosen.columns, known, [found.row])
  io.stdout.write(rowsTable([found.row], columns, cellWidth(io)))
  tellOrigin(io, found.meta, 1)
  return exitCodes.done
}

async function printRowAnswer(client: ResultsClient, input: QueryInput): Promise<number> {
  const { options, io } = input
  const { application, view } = input.target
  const key = options.text('key') ?? ''
  const asked = { ...readColumns(options.text('columns')), ...readAwait(options) }
  try {
    await copy(client.view(application, view).rowBytes(key, asked), io)
  } catch (error) {
    if (error instanceof ApiError && error.code === 'unknown_key') return tellUnknownKey(io, key)
    throw error
  }
  io.stdout.write('\n')
  return exitCodes.done
}

async function printCount(client: ResultsClient, input: QueryInput): Promise<number> {
  const { options, io, format } = input
  const { application, view, where } = input.target
  const counted = await client.view(application, view).count({ where, ...readAwait(options) })
  if (format === 'json') {
    io.stdout.write(`${JSON.stringify(counted)}\n`)
    return exitCodes.done
  }
  io.stdout.write(`${counted.count}\n`)
  tellOrigin(io, counted.meta)
  return exitCodes.done
}

/** What the service answers, as it comes. */
async function printAnswer(client: ResultsClient, input: QueryInput): Promise<number> {
  const { io, format } = input
  const { application, view } = input.target
  if (format === 'table') throw new TypeError('the service answers no tables')
  let origin: RowsOrigin | undefined
  const onHeaders = (headers: IncomingHttpHeaders) => {
    origin = originOf(headers)
  }
  const query = { ...readQuery(input), format }
  try {
    await copy(client.view(application, view).bytes(query, { onHeaders }), io)
  } catch (error) {
    if (origin === undefined || !(error instanceof ConnectionError)) throw error
    io.stderr.write(
      `kappa query: the answer was cut off, what is printed is not all: ${error.message}\nA switch to another release does so. Ask again.\n`,
    )
    return exitCodes.unavailable
  }
  if (format === 'json') io.stdout.write('\n')
  else if (origin !== undefined) io.stderr.write(`${originText(origin)}\n`)
  return exitCodes.done
}

async function copy(bytes: AsyncIterable<Uint8Array>, { stdout }: Io): Promise<void> {
  for await (const chunk of bytes) await writePaced(stdout, chunk)
}

/** Lines have no place for it but the headers. */
function originOf(headers: IncomingHttpHeaders): RowsOrigin {
  return {
    release: Number(headers['kappa-release']),
    as_of: headers['kappa-as-of']?.toString() ?? null,
    freshness_ms: Number(headers['kappa-freshness-ms']),
    complete: headers['kappa-complete'] !== 'false',
  }
}

async function columnsOfView(client: ResultsClient, { application, view }: ViewTarget) {
  const views = await client.views()
  const found = views.find((each) => each.application === application && each.view === view)
  return found?.columns ?? []
}

function cellWidth({ stdout }: Io): number {
  return stdout.isTTY === true ? cellCharactersMax : Number.POSITIVE_INFINITY
}

function tellOrigin({ stderr }: Io, meta: ViewMeta, rows?: number): void {
  stderr.write(`${originText(meta, rows)}\n`)
}

function tellUnknownKey({ stderr }: Io, key: string): number {
  stderr.write(`kappa query: no row has the key ${plainText(key)}\n`)
  return exitCodes.failed
}
