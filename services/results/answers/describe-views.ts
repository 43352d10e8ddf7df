import type { ViewColumn } from '@kappa/applications/view-plan'
import type { OpenApiDocument } from '@kappa/service/http'
import type { LoadedView } from '../loading/loaded-view.ts'

type JsonSchema = Readonly<Record<string, unknown>>

const path = '/v1/views/{application}/{view}'

/**
 * The OpenAPI document with a schema for the rows of each view, and the view's own path beside the one
 * for all.
 */
export function describeViews(
  document: OpenApiDocument,
  views: readonly LoadedView[],
): OpenApiDocument {
  const schemas: Record<string, unknown> = { ...document.components?.schemas }
  const paths: Record<string, unknown> = { ...document.paths }
  for (const view of views) {
    const name = `${view.application}.${view.name}`
    schemas[name] = rowSchema(view)
    paths[`/v1/views/${view.application}/${view.name}`] = { get: operation(view, name) }
  }
  return { ...document, components: { ...document.components, schemas }, paths }
}

function operation({ application, name, definition, timeColumn }: LoadedView, schema: string) {
  const usable = [...new Set([...definition.key, ...(definition.ranked ?? [])])]
  const time = timeColumn === undefined ? '' : `, and by its time (${timeColumn.name})`
  return {
    summary: `Rows of ${application}/${name}`,
    description: `Filtered and ordered by ${usable.join(', ')}${time}; all parameters as for \`${path}\`.`,
    tags: [application],
    responses: {
      200: {
        description: 'A page of rows.',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['rows', 'meta'],
              properties: {
                rows: { type: 'array', items: { $ref: `#/components/schemas/${schema}` } },
                next_cursor: { type: 'string' },
                meta: { type: 'object' },
              },
            },
          },
        },
      },
    },
  }
}

function rowSchema({ definition, application, name }: LoadedView): JsonSchema {
  const { columns, key } = definition
  return {
    title: `A row of ${application}/${name}`,
    description: `Identified by ${key.join(', ')}.`,
    type: 'object',
    required: columns.map((column) => column.name),
    properties: Object.fromEntries(columns.map((column) => [column.name, columnSchema(column)])),
  }
}

function columnSchema({ type, nullable }: ViewColumn): JsonSchema {
  const schema = { ...typeSchema(type.toLowerCase()), description: type }
  return nullable && 'type' in schema ? { ...schema, type: [schema.type, 'null'] } : schema
}

const plain: Readonly<Record<string, JsonSchema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  tinyint: { type: 'integer' },
  smallint: { type: 'integer' },
  int: { type: 'integer', format: 'int32' },
  bigint: { type: 'integer', format: 'int64' },
  float: { type: 'number', format: 'float' },
  double: { type: 'number', format: 'double' },
  date: { type: 'string', format: 'date' },
  timestamp: { type: 'string', format: 'date-time' },
}

/** Of nested types only the outermost is told; the column's description has Spark's whole name. */
function typeSchema(type: string): JsonSchema {
  if (type.startsWith('decimal')) return { type: 'number' }
  if (type.startsWith('array<')) return { type: 'array' }
  if (type.startsWith('struct<') || type.startsWith('map<')) return { type: 'object' }
  return plain[type] ?? {}
}
