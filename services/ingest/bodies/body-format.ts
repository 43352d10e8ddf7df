import type { IncomingHttpHeaders } from 'node:http'
import { ServiceError } from '@kappa/service/errors'

/** How a body holds its events. */
export type BodyKind = 'json' | 'ndjson' | 'cloudevent' | 'cloudevents' | 'binary-cloudevent'

export interface BodyFormat {
  readonly kind: BodyKind
  /** The contract's version that the content type names (`application/json; version=2`). */
  readonly version: number | undefined
}

const kinds = new Map<string, BodyKind>([
  ['application/json', 'json'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['application/cloudevents+json', 'cloudevent'],
  ['application/cloudevents-batch+json', 'cloudevents'],
])

const wanted =
  'Send application/json (an event or an array of events), application/x-ndjson, or CloudEvents (application/cloudevents+json, application/cloudevents-batch+json, or ce- headers with application/json).'

/**
 * What a request's body holds, by its headers.
 * @throws ServiceError `unsupported_media_type`
 */
export function bodyFormat(headers: IncomingHttpHeaders): BodyFormat {
  const contentType = headers['content-type']
  if (contentType === undefined) throw unsupported(`The request has no content type. ${wanted}`)
  const [essence = '', ...parameters] = contentType.split(';')
  const kind = kinds.get(essence.trim().toLowerCase())
  if (kind === undefined) {
    throw unsupported(`The content type "${contentType.slice(0, 100)}" is not supported. ${wanted}`)
  }
  let version: number | undefined
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=').map((part) => part.trim())
    const text = value.replace(/^"(.*)"$/, '$1')
    if (name.toLowerCase() === 'charset' && !/^utf-?8$/i.test(text)) {
      throw unsupported(`The charset "${text.slice(0, 40)}" is not supported. Send UTF-8.`)
    }
    if (name.toLowerCase() === 'version') version = versionNumber(text)
  }
  if (headers['ce-specversion'] === undefined) return { kind, version }
  if (kind === 'json') return { kind: 'binary-cloudevent', version }
  throw unsupported(
    `A CloudEvent in binary mode (ce- headers) holds its data as application/json, not as ${essence.trim()}.`,
  )
}

function versionNumber(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw unsupported(
    `The content type's version is "${text.slice(0, 40)}"; it is the number of a version of the topic's contract, from 1.`,
  )
}

function unsupported(message: string): ServiceError {
  return new ServiceError('unsupported_media_type', message)
}
