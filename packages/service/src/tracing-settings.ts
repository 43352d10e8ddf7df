import type { ConfigReader } from './config.ts'

export interface TracingSettings {
  /** The full URL to which traces are posted. */
  readonly url: string
  readonly protocol: (typeof protocols)[number]
  /** `name=value` pairs with commas between them, for example a token; secret. */
  readonly headers: string | undefined
  readonly serviceName: string | undefined
  readonly sampler: (typeof samplers)[number]
  /** Of new traces, 0 to 1. */
  readonly ratio: number
  /** Spans that wait to be sent; what is more is dropped. */
  readonly queue: {
    readonly scheduledDelayMillis: number
    readonly exportTimeoutMillis: number
    readonly maxQueueSize: number
    readonly maxExportBatchSize: number
  }
}

const protocols = ['http/protobuf', 'http/json'] as const
const samplers = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const

/** @returns undefined where no endpoint is named, or traces are switched off */
export function readTracingSettings(read: ConfigReader): TracingSettings | undefined {
  const base = read.optionalText('OTEL_EXPORTER_OTLP_ENDPOINT')
  const url =
    read.optionalText('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ??
    (base && `${base.replace(/\/$/, '')}/v1/traces`)
  const isOff =
    read.oneOf('OTEL_SDK_DISABLED', ['false', 'true'], 'false') === 'true' ||
    read.oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none'], 'otlp') === 'none'
  if (url === undefined || isOff) return undefined
  if (!URL.canParse(url)) {
    read.reject('OTEL_EXPORTER_OTLP_ENDPOINT', `is "${url}"`, 'a URL such as http://collector:4318')
  }
  const protocol = read.oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', protocols, 'http/protobuf')
  const sampler = read.oneOf('OTEL_TRACES_SAMPLER', samplers, 'parentbased_always_on')
  const ratio = Number(read.text('OTEL_TRACES_SAMPLER_ARG', { default: '1' }))
  if (!(ratio >= 0 && ratio <= 1)) {
    read.reject('OTEL_TRACES_SAMPLER_ARG', `is ${ratio}`, 'a number from 0 to 1')
  }
  const milliseconds = (name: string, fallback: number) =>
    read.milliseconds(name, { default: fallback, min: 1, max: 600_000 })
  const spans = (name: string, fallback: number) =>
    read.integer(name, { default: fallback, min: 1, max: 1_000_000, unit: 'spans' })
  return {
    url,
    protocol,
    // The standard variable for headers holds a token in the environment; this one does not.
    headers: read.optionalSecretFile('KAPPA_OTLP_HEADERS_FILE'),
    serviceName: read.optionalText('OTEL_SERVICE_NAME'),
    sampler,
    ratio,
    queue: {
      scheduledDelayMillis: milliseconds('OTEL_BSP_SCHEDULE_DELAY', 5_000),
      exportTimeoutMillis: milliseconds('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
      maxQueueSize: spans('OTEL_BSP_MAX_QUEUE_SIZE', 2_048),
      maxExportBatchSize: spans('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
    },
  }
}
