import { ServiceError } from '@kappa/service/errors'

export type BodyFormat = 'json' | 'ndjson'

const formats = new Map<string, BodyFormat>([
  ['application/json', 'json'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
])

/**
 * What a request's body holds, by its content type.
 * @throws ServiceError `unsupported_media_type`
 */
export function bodyFormat(
  contentType: string | undefined,
  contentEncoding: string | undefined,
): BodyFormat {
  const wanted = 'Send application/json (an event or an array of events) or application/x-ndjson.'
  if (contentType === undefined) throw unsupported(`The request has no content type. ${wanted}`)
  const [essence = '', ...parameters] = contentType.split(';')
  const format = formats.get(essence.trim().toLowerCase())
  if (format === undefined) {
    throw unsupported(`The content type "${contentType.slice(0, 100)}" is not supported. ${wanted}`)
  }
  const charset = parameters.map((parameter) =>
    /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(parameter),
  )
  const other = charset.find((found) => found && !/^utf-?8$/i.test(found[1] ?? ''))
  if (other) throw unsupported(`The charset "${other[1]}" is not supported. Send UTF-8.`)
  if (contentEncoding !== undefined && contentEncoding.trim().toLowerCase() !== 'identity') {
    throw unsupported(
      `The content encoding "${contentEncoding.slice(0, 100)}" is not supported. Send the body as it is.`,
    )
  }
  return format
}

function unsupported(message: string): ServiceError {
  return new ServiceError('unsupported_media_type', message)
}
