import { type Document, isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml'
import { type DescribedValue, describeValues, type ValueSchema } from './value-descriptions.ts'

const columnsMax = 100

/** `values.yaml` with the schema's descriptions as its only comments. */
export function withComments(text: string, schema: ValueSchema): string {
  const document = parseDocument(text.replaceAll(/^ *#.*\n/gm, ''))
  for (const { path, description } of describeValues(schema)) {
    const key = keyAt(document, path)
    if (key === undefined) continue
    const indent = '  '.repeat(path.length - 1)
    key.commentBefore = wrap(description ?? '', columnsMax - indent.length - 2)
    key.spaceBefore = path.length === 1
  }
  const header = ' Comments are written by `npm run chart` from values.schema.json.'
  document.commentBefore = header
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, singleQuote: true })
}

/** Each default with its description, as a table in Markdown. */
export function valuesTable(text: string, schema: ValueSchema): string {
  const defaults: unknown = parseDocument(text).toJS()
  const rows = describeValues(schema)
    .filter(({ path }) => path[0] !== 'global')
    .flatMap((value) => rowsOf(value, at(defaults, value.path)))
  return ['| value | default | |', '|---|---|---|', ...rows].join('\n')
}

function rowsOf({ path, description, isGroup }: DescribedValue, value: unknown): string[] {
  const name = path.join('.')
  const text = (description ?? '').replaceAll('|', '\\|')
  if (!isGroup) return [`| \`${name}\` | ${codeOf(value)} | ${text} |`]
  return description === undefined ? [] : [`| **\`${name}\`** | | **${text}** |`]
}

function codeOf(value: unknown): string {
  return value === undefined || value === '' ? '' : `\`${JSON.stringify(value)}\``
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (each, key) => (each as Record<string, unknown> | undefined)?.[key],
    value,
  )
}

function keyAt(document: Document, path: readonly string[]) {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1))
  if (!isMap(parent)) return undefined
  const pair = pairOf(parent, path.at(-1))
  return isScalar(pair?.key) ? pair.key : undefined
}

function pairOf(map: YAMLMap, key: string | undefined): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
}

function wrap(text: string, width: number): string | null {
  if (text === '') return null
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line.length + word.length + 1 > width) lines.push(` ${word}`)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines.join('\n')
}
