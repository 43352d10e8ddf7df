import type { Http } from '@kappa/service/http'
import { RegistryError } from './registry-error.ts'
import { registryType } from './registry-schemas.ts'

/** Content types that clients of a registry send JSON with. */
const bodyTypes = [
  registryType,
  'application/vnd.schemaregistry+json',
  'application/json',
  'application/octet-stream',
]
/** A schema of 1,048,576 characters as text inside JSON, with room for escapes. */
const bodyBytesMax = 4_194_304

/** What Fastify adds to the errors that it makes. */
interface Failure extends Error {
  readonly code?: string
  readonly statusCode?: number
  readonly validation?: unknown
  readonly validationContext?: string
}

const namesOfFastify: Readonly<
  Record<string, 'bad_request' | 'body_too_large' | 'unsupported_media_type'>
> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
}

/** Makes a scope of the server speak like a registry: its media type, its form of errors. */
export function speakRegistry(scope: Http): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    bodyTypes,
    { parseAs: 'string', bodyLimit: bodyBytesMax },
    scope.getDefaultJsonParser('error', 'error'),
  )
  scope.addHook('onRequest', async (_request, reply) => {
    reply.type(registryType)
  })
  scope.setErrorHandler((error: Failure | RegistryError, request, reply) => {
    const known = error instanceof RegistryError ? error : translate(error)
    if (known.status >= 500) request.log.error({ err: error, url: request.url }, known.message)
    return reply.status(known.status).type(registryType).send(known.toBody())
  })
}

function translate(error: Failure): RegistryError {
  const options = { cause: error }
  if (error.statusCode === undefined) {
    const message = 'The service failed unexpectedly; its log has the cause.'
    return new RegistryError('internal', message, options)
  }
  if (error.validation) {
    const name = error.validationContext === 'body' ? 'invalid_schema' : 'invalid_request'
    const message = `The request's ${error.validationContext ?? 'input'} is wrong: ${error.message}`
    return new RegistryError(name, message, options)
  }
  if (error.statusCode >= 500) return new RegistryError('internal', error.message, options)
  return new RegistryError(
    namesOfFastify[error.code ?? ''] ?? 'bad_request',
    error.message,
    options,
  )
}
