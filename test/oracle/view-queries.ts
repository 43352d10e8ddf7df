import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../random.ts'
import { Database, literal } from './database.ts'

interface Column {
  readonly name: string
  readonly type: string
}

interface View {
  readonly application: string
  readonly view: string
  readonly key: readonly string[]
  readonly time: string | null
  readonly ranked: readonly string[]
  readonly columns: readonly Column[]
}

interface Query {
  readonly parameters: URLSearchParams
  readonly where: string
  readonly orderBy: string
  readonly limit: number
}

const limits = [1, 7, 100, 1_700]
const operators = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

/**
 * Asks results for rows by random filters, orders and limits, and DuckDB for the same in SQL over all
 * rows of the view, which must be known to be right: line by line they must be equal.
 */
export async function assertQueriesAgree(
  resultsUrl: string,
  application: string,
  { queries, seed }: { readonly queries: number; readonly seed: number },
): Promise<void> {
  const { views } = (await (await fetch(`${resultsUrl}/v1/views`)).json()) as { views: View[] }
  const random = seededRandom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'kappa-queries-'))
  using database = await Database.open()
  try {
    for (const view of views.filter((each) => each.application === application)) {
      const url = `${resultsUrl}/v1/views/${application}/${view.view}`
      const all = await text(`${url}?format=ndjson`)
      const file = join(folder, `${view.view}.ndjson`)
      writeFileSync(file, all)
      await database.run(tableOf(view, file))
      for (let number = 0; number < queries; number += 1) {
        const query = await randomQuery(database, view, random)
        await assertAgrees(database, view, url, query)
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function assertAgrees(
  database: Database,
  { view }: View,
  url: string,
  { parameters, where, orderBy, limit }: Query,
): Promise<void> {
  const expected = await database.query(
    `SELECT line FROM "${view}" WHERE ${where} ORDER BY ${orderBy} LIMIT ${limit}`,
  )
  const counted = await database.query(`SELECT count(*) AS n FROM "${view}" WHERE ${where}`)
  const lines = (await text(`${url}?${parameters}&format=ndjson&limit=${limit}`)).split('\n')
  lines.pop()
  const message = `${view}?${parameters}`
  assert.deepEqual(
    lines,
    expected.rows.map(({ line }) => line),
    message,
  )
  const filters = new URLSearchParams(parameters)
  filters.delete('order')
  const { count } = JSON.parse(await text(`${url}/count?${filters}`))
  assert.equal(count, Number(counted.rows[0]?.n), message)
}

function tableOf({ view, columns }: View, file: string): string {
  const typed = columns.map(
    ({ name, type }) =>
      `CAST(json ->> ${literal(`$."${name}"`)} AS ${duckType(type)}) AS "${name}"`,
  )
  return `CREATE TABLE "${view}" AS
    SELECT CAST(json AS VARCHAR) AS line, ${typed.join(', ')}
    FROM read_ndjson_objects(${literal(file)})`
}

/** Timestamps stay the texts that they are: of one width, so in the order of the times. */
function duckType(type: string): string {
  if (type === 'bigint' || type === 'double' || type === 'boolean') return type
  return type === 'int' ? 'INTEGER' : type.startsWith('decimal') ? type : 'VARCHAR'
}

async function randomQuery(database: Database, view: View, random: () => number): Promise<Query> {
  const parameters = new URLSearchParams()
  const wheres = ['true']
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const indexed = [...(view.time === null ? [] : [view.time]), ...view.ranked]
  for (const name of new Set([...view.key, ...indexed])) {
    if (random() > 0.4) continue
    const column = view.columns.find((each) => each.name === name) as Column
    const quoted = `"${name}"`
    const values = await someValues(database, view.view, name, random)
    if (values.length === 0) continue
    const kind = pick(['equal', 'any', 'range', 'range', 'prefix'])
    if (kind === 'prefix' && column.type === 'string') {
      const prefix = String(pick(values)).slice(0, 1 + Math.floor(random() * 2))
      parameters.append(`${name}.prefix`, prefix)
      wheres.push(`starts_with(${quoted}, ${literal(prefix)})`)
    } else if (kind === 'range' || kind === 'prefix') {
      for (const operator of [pick(['gt', 'gte'] as const), pick(['lt', 'lte'] as const)]) {
        if (random() < 0.3) continue
        const value = pick(values)
        parameters.append(`${name}.${operator}`, value)
        wheres.push(
          `${quoted} ${operators[operator]} CAST(${literal(value)} AS ${duckType(column.type)})`,
        )
      }
    } else {
      const several = kind === 'any' ? values : [pick(values)]
      for (const value of several) parameters.append(name, value)
      const casts = several.map((value) => `CAST(${literal(value)} AS ${duckType(column.type)})`)
      wheres.push(`${quoted} IN (${casts.join(', ')})`)
    }
  }
  const order = pick(['key', ...view.ranked, ...(view.time === null ? [] : ['time'])])
  const descending = random() < 0.5
  parameters.append('order', `${descending ? '-' : ''}${order}`)
  const first = order === 'key' ? [] : [order === 'time' ? String(view.time) : order]
  const direction = descending ? 'DESC NULLS LAST' : 'ASC NULLS FIRST'
  const orderBy = [...first, ...view.key].map((name) => `"${name}" ${direction}`).join(', ')
  return { parameters, where: wheres.join(' AND '), orderBy, limit: pick(limits) }
}

async function someValues(
  database: Database,
  view: string,
  column: string,
  random: () => number,
): Promise<string[]> {
  const { rows } = await database.query(
    `SELECT CAST("${column}" AS VARCHAR) AS value FROM "${view}"
     WHERE "${column}" IS NOT NULL ORDER BY hash(line || ${literal(String(random()))}) LIMIT 4`,
  )
  return [...new Set(rows.map(({ value }) => String(value)))]
}

async function text(url: string): Promise<string> {
  const answer = await fetch(url)
  const body = await answer.text()
  assert.equal(answer.status, 200, `${url}: ${body.slice(0, 500)}`)
  return body
}
