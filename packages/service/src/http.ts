import { setTimeout as delay } from 'node:timers/promises'
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, fastify, LogController } from 'fastify'
import { Compile } from 'typebox/compile'
import { ConfigError } from './config.ts'
import type { Health } from './health.ts'
import { answerErrors } from './http-errors.ts'
import { healthRoutes } from './http-health.ts'
import { answerMalformedRequest } from './http-malformed.ts'
import { countErrors, measureRequests } from './http-metrics.ts'
import { traceRequests } from './http-tracing.ts'
import type { Http, HttpReply, HttpRequest } from './http-type.ts'
import type { Logger } from './logger.ts'
import { type Registry, version } from './metrics.ts'
import type { HttpSettings } from './settings.ts'
import type { Tracing } from './tracing.ts'

export type { Http, HttpReply, HttpRequest }

export interface HttpParts {
  readonly title: string
  readonly description: string
  readonly settings: HttpSettings
  readonly logger: Logger
  readonly metrics: Registry
  readonly health: Health
  readonly tracing?: Tracing | undefined
  /** Whether answers are compressed for clients that take it. */
  readonly compress?: boolean
  /** Adds to the OpenAPI document what is only known later, each time that it is asked for. */
  readonly describe?: (document: OpenApiDocument) => OpenApiDocument
}

/** Of what OpenAPI's documents hold, what `describe` may add to. */
export interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, unknown>>
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> }
}

/** Headers of answers that pages of other origins may read. */
const exposedHeaders = [
  'etag',
  'kappa-release',
  'kappa-position',
  'kappa-as-of',
  'kappa-freshness-ms',
  'kappa-complete',
  'retry-after',
]
const compressedBytesMin = 1_024

/**
 * The HTTP server of a service: TypeBox schemas validate requests, type the handlers and make the
 * OpenAPI document (`/openapi.json`, to be read at `/docs`); health at `/health/live` and
 * `/health/ready`, metrics at `/metrics`. Every time-out and bound is set here.
 */
export async function createHttp(parts: HttpParts): Promise<Http> {
  const { settings } = parts
  const http = fastify({
    loggerInstance: parts.logger as FastifyBaseLogger,
    // Requests are measured; only failures are logged.
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would cost more than what most requests do.
    childLoggerFactory: (logger) => logger,
    bodyLimit: settings.bodyBytesMax,
    clientErrorHandler: answerMalformedRequest,
    requestTimeout: settings.requestTimeoutMs,
    http: {
      headersTimeout: Math.min(60_000, settings.requestTimeoutMs),
      // How late that is noticed; Node's own 30 s is long when many connect and send nothing.
      connectionsCheckingInterval: 1_000,
    },
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    exposeHeadRoutes: false,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    routerOptions: { maxParamLength: 4_096 },
  }).withTypeProvider<TypeBoxTypeProvider>()

  http.server.maxConnections = settings.connectionsMax
  http.setValidatorCompiler(convertIfNeeded)
  answerErrors(http, countErrors(parts.metrics))
  measureRequests(http, parts.metrics)
  traceRequests(http, parts.tracing)
  const { corsOrigins = [] } = settings
  if (corsOrigins.length > 0) {
    const origin = corsOrigins.includes('*') ? '*' : [...corsOrigins]
    await http.register(cors, { origin, exposedHeaders, maxAge: 600 })
  }
  if (parts.compress === true) await http.register(compress, { threshold: compressedBytesMin })
  const { describe = (document: OpenApiDocument) => document } = parts
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: parts.title, description: parts.description, version },
    },
  })
  await http.register(swaggerUi, {
    routePrefix: '/docs',
    transformSpecification: (document) => describe(document as OpenApiDocument),
    transformSpecificationClone: true,
  })
  http.get('/openapi.json', { schema: { hide: true } }, async () =>
    describe(http.swagger() as OpenApiDocument),
  )
  http.addHook('onSend', (_request, reply, payload, done) => {
    if (parts.health.stopping) reply.header('connection', 'close')
    done(null, payload)
  })
  healthRoutes(http, parts.health, parts.metrics)
  return http
}

/** Texts of a URL become numbers where a schema wants them; what is right as it is stays so. */
const convertIfNeeded: typeof TypeBoxValidatorCompiler = (route) => {
  const checked = Compile(route.schema)
  const converted = TypeBoxValidatorCompiler(route)
  return (value) => (checked.Check(value) ? { value } : converted(value))
}

/**
 * Listens on the configured address and returns its URL; port 0 takes a free one.
 * @throws ConfigError naming the address and the variable to change, when it cannot be listened on
 */
export async function listen(http: Http, settings: HttpSettings): Promise<string> {
  try {
    await http.listen({ host: settings.host, port: settings.port })
  } catch (error) {
    const problem = problemWithAddress(error, settings)
    throw problem === undefined ? error : new ConfigError([problem], { cause: error })
  }
  const address = http.server.address()
  const port = typeof address === 'object' && address ? address.port : settings.port
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host
  return `http://${host}:${port}`
}

function problemWithAddress(error: unknown, { host, port }: HttpSettings): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return `KAPPA_HTTP_PORT is ${port}, but another program listens on ${host}:${port}; end that program, or set KAPPA_HTTP_PORT to a free port (0 takes any).`
  if (code === 'EACCES')
    return `KAPPA_HTTP_PORT is ${port}, which this user may not listen on; set KAPPA_HTTP_PORT to a port above 1023.`
  if (code === 'EADDRNOTAVAIL')
    return `KAPPA_HTTP_HOST is ${host}, which is not an address of this machine; set KAPPA_HTTP_HOST to one that is.`
  return undefined
}

/**
 * Stops serving without failing anybody: readiness goes first, then requests are still answered for
 * the configured delay, each with `connection: close`, while who routes here finds out; then what is
 * open is answered, and what is still open after the configured time is cut.
 */
export async function closeHttp(http: Http, health: Health, settings: HttpSettings): Promise<void> {
  health.markStopping()
  if (http.server.listening) await delay(settings.stopDelayMs)
  const cut = setTimeout(() => http.server.closeAllConnections(), settings.stopTimeoutMs)
  try {
    await http.close()
  } finally {
    clearTimeout(cut)
  }
}
