import { Type } from 'typebox'

export type Media = 'json' | 'ndjson' | 'csv'

export const contentTypes: Readonly<Record<Media, string>> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
}

export const MediaParameter = Type.Optional(
  Type.Union([Type.Literal('json'), Type.Literal('ndjson'), Type.Literal('csv')], {
    description:
      'The form of the answer, as `accept` says it too (application/json, application/x-ndjson, text/csv). NDJSON and CSV have all rows, or `limit` of them, one a line; what the rows are is in the headers.',
  }),
)

/** @param accept header of the request; the first that is known counts */
export function mediaOf(format: Media | undefined, accept: string | undefined): Media {
  if (format !== undefined) return format
  for (const range of (accept ?? '').split(',')) {
    const type = range.split(';')[0]?.trim().toLowerCase()
    if (type === 'application/json') return 'json'
    if (type === 'application/x-ndjson' || type === 'application/ndjson') return 'ndjson'
    if (type === 'text/csv') return 'csv'
  }
  return 'json'
}
