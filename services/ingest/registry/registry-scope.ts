import { isDeeperThan } from '@kappa/contracts/exact-json'
import type { Http } from '@kappa/service/http'
import { RegistryError, type RegistryErrorName } from './registry-error.ts'
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

/** The schema in it is text. */
const bodyLevelsMax = 16
const tooDeep = `The body is nested deeper than ${bodyLevelsMax} levels.`

/** What the errors of Fastify and of services have. */
interface Failure extends Error {
  readonly code?: string
  readonly statusCode?: number
  readonly validation?: unknown
  readonly validationContext?: string
}

const names: Readonly<Record<string, RegistryErrorName>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  request_timeout: 'request_timeout',
}

/** Makes a scope of the server speak like a registry: its media type, its form of errors. */
export function speakRegistry(scope: Http): void {
  scope.removeAllContentTypeParsers()
  const parseJson = scope.getDefaultJsonParser('error', 'error')
  const options = { parseAs: 'string', bodyLimit: bodyBytesMax } as const
  scope.addContentTypeParser(bodyTypes, options, (request, body: string, done) => {
    if (isDeeperThan(bodyLevelsMax, body)) done(new RegistryError('bad_request', tooDeep))
    else parseJson(request, body, done)
  })
  scope.addHook('onRequest', async (_request, reply) => {
    reply.type(registryType)
  })
  scope.setErrorHandler((error: Failure | RegistryError, request, reply) => {
    const known = error instanceof RegistryError ? error : translate(error)
    if (known.status >= 500) request.log.error({ err: error, url: request.url }, known.message)
    if (known.status === 408) reply.header('connection', 'close')
    return reply.status(known.status).type(registryType).send(known.toBody())
  })
}

function translate(error: Failure): RegistryError {
  const options = { cause: error }
  if (error.validation) {
    const name = error.validationContext === 'body' ? 'invalid_schema' : 'invalid_request'
    const message = `The request's ${error.validationContext ?? 'input'} is wrong: ${error.message}`
    return new RegistryError(name, message, options)
  }
  if (error.statusCode === undefined || error.statusCode >= 500) {
    const message = 'The service failed unexpectedly; its log has the cause.'
    return new RegistryError('internal', message, options)
  }
  return new RegistryError(names[error.code ?? ''] ?? 'bad_request', error.message, options)
}
