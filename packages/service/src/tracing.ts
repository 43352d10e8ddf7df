import type { Attributes, Context, Span as OtelSpan, SpanKind } from '@opentelemetry/api'
import type { Sampler, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from './logger.ts'
import { version } from './metrics.ts'
import { redact } from './redact.ts'
import type { TracingSettings } from './tracing-settings.ts'

/**
 * OpenTelemetry traces, sent by OTLP over HTTP. Off unless the standard variables name an endpoint:
 * then nothing of OpenTelemetry is loaded, services have no `Tracing`, and requests have no span.
 */
export interface Tracing {
  /** @param parent W3C traceparent, as it came from outside; what is none begins a trace */
  span(name: string, options?: SpanOptions & { readonly parent?: string | undefined }): Span
  /** Sends what is left; bounded in time. */
  stop(): Promise<void>
}

export interface Span {
  readonly traceId: string
  /** W3C, to be passed on; undefined where the trace is not recorded. */
  readonly traceparent: string | undefined
  child(name: string, options?: SpanOptions): Span
  set(attributes: Attributes): void
  /** To a span that this one has to do with, without being a part of it. */
  link(traceparent: string): void
  /** @param error told as it is in logs; undefined for what is in the attributes already */
  fail(error?: unknown): void
  end(): void
}

export interface SpanOptions {
  readonly kind?: 'server' | 'producer' | 'consumer'
  readonly attributes?: Attributes
}

/** @returns undefined without settings, and then nothing was loaded */
export async function startTracing(
  component: string,
  settings: TracingSettings | undefined,
  logger: Logger,
): Promise<Tracing | undefined> {
  if (settings === undefined) return undefined
  const [api, sdk, { detectResources, envDetector, resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
  ])
  // What cannot be sent is told here, and nowhere else.
  const say = (message: string) => logger.warn({ reason: message }, 'traces cannot be sent')
  const quiet = () => undefined
  api.diag.setLogger(
    { error: say, warn: say, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const named = resourceFromAttributes({
    'service.name': settings.serviceName ?? `kappa-${component}`,
    'service.version': version,
  })
  const exporter = await createExporter(settings)
  const processor = new sdk.BatchSpanProcessor({ ...settings.queue, exporter })
  const provider = new sdk.TracerProvider({
    resource: detectResources({ detectors: [envDetector] }).merge(named),
    sampler: samplerOf(settings, sdk),
    spanProcessors: [processor],
    spanLimits: { attributeValueLengthLimit: 1_024 },
  })
  const tracer = provider.getTracer('kappa', version)
  const kinds = {
    server: api.SpanKind.SERVER,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  } satisfies Record<string, SpanKind>

  const begin = (context: Context, name: string, options: SpanOptions = {}): Span => {
    const { kind, attributes = {} } = options
    const type = kind === undefined ? api.SpanKind.INTERNAL : kinds[kind]
    return wrap(tracer.startSpan(name, { kind: type, attributes }, context), context)
  }
  const wrap = (span: OtelSpan, parent: Context): Span => {
    const context = api.trace.setSpan(parent, span)
    const { traceId, spanId } = span.spanContext()
    return {
      traceId,
      traceparent: span.isRecording() ? `00-${traceId}-${spanId}-01` : undefined,
      child: (name, options) => begin(context, name, options),
      set: (attributes) => void span.setAttributes(attributes),
      link: (traceparent) => {
        const linked = parseTraceparent(traceparent)
        if (linked !== undefined) span.addLink({ context: linked })
      },
      fail: (error) => {
        const message = error instanceof Error ? redact(error.message) : undefined
        span.setStatus({
          code: api.SpanStatusCode.ERROR,
          ...(message === undefined ? {} : { message }),
        })
      },
      end: () => span.end(),
    }
  }
  return {
    span(name, { parent, ...options } = {}) {
      const remote = parent === undefined ? undefined : parseTraceparent(parent)
      const context =
        remote === undefined
          ? api.ROOT_CONTEXT
          : api.trace.setSpanContext(api.ROOT_CONTEXT, { ...remote, isRemote: true })
      return begin(context, name, options)
    },
    stop: () => provider.shutdown().catch((error: Error) => say(error.message)),
  }
}

async function createExporter(settings: TracingSettings): Promise<SpanExporter> {
  const { url, protocol, headers } = settings
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter({
    url,
    ...(headers === undefined ? {} : { headers: parseHeaders(headers) }),
  })
}

function samplerOf(
  { sampler, ratio }: TracingSettings,
  sdk: typeof import('@opentelemetry/sdk-trace'),
): Sampler {
  const root = sampler.endsWith('always_on')
    ? new sdk.AlwaysOnSampler()
    : sampler.endsWith('always_off')
      ? new sdk.AlwaysOffSampler()
      : new sdk.TraceIdRatioBasedSampler(ratio)
  return sampler.startsWith('parentbased') ? new sdk.ParentBasedSampler({ root }) : root
}

/** As the standard variable has them: values are percent-encoded. */
function parseHeaders(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('=', 2))
  return Object.fromEntries(
    pairs.map(([name = '', value = '']) => [name.trim(), decodeURIComponent(value.trim())]),
  )
}

/** W3C Trace Context; a newer version of it may have more behind. */
function parseTraceparent(text: string) {
  const [, traceId, spanId, flags] =
    /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/.exec(
      text,
    ) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 }
}
