import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '@kappa/service/config'
import { createLogger } from '@kappa/service/logger'
import { startTracing } from '@kappa/service/tracing'
import { readTracingSettings } from '@kappa/service/tracing-settings'
import { OtlpReceiver } from '@kappa/test/otlp-receiver'

const settingsOf = (environment: Record<string, string>) =>
  readConfig(environment, readTracingSettings)

/**
 * Modules of OpenTelemetry that a process has loaded that starts tracing with this environment; without
 * those of its API, which prom-client loads.
 */
function loadedWith(environment: Record<string, string>): number {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = new Set()
    registerHooks({ load(url, context, next) { loaded.add(url); return next(url, context) } })
    const { readConfig } = await import('@kappa/service/config')
    const { createHttp } = await import('@kappa/service/http')
    const { createLogger } = await import('@kappa/service/logger')
    const { readTracingSettings } = await import('@kappa/service/tracing-settings')
    const { startTracing } = await import('@kappa/service/tracing')
    const settings = readConfig(process.env, readTracingSettings)
    await startTracing('test', settings, createLogger('test', 'silent'))
    console.log([...loaded].filter((url) => /@opentelemetry.(?!api)/.test(url)).length, typeof createHttp)
    process.exit(0)`
  const args = ['--input-type=module', '--eval', script]
  const env = { PATH: process.env.PATH, ...environment }
  return Number.parseInt(
    execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8', env }),
    10,
  )
}

test('nothing of OpenTelemetry is loaded unless an endpoint is named', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
  assert.equal(loadedWith({}), 0)
  assert.equal(loadedWith({ ...endpoint, OTEL_SDK_DISABLED: 'true' }), 0)
  assert.equal(loadedWith({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), 0)
  assert.ok(loadedWith(endpoint) > 0)
})

test('the standard variables say where traces go, and which', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318/'
  const settings = settingsOf({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER_ARG: '0.25' })
  assert.equal(settings?.url, 'http://collector:4318/v1/traces')
  assert.deepEqual([settings?.protocol, settings?.ratio], ['http/protobuf', 0.25])
  const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = 'http://other/traces'
  assert.equal(
    settingsOf({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT })?.url,
    'http://other/traces',
  )
  assert.throws(
    () =>
      settingsOf({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'collector',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_TRACES_SAMPLER_ARG: '2',
      }),
    (error) => error instanceof ConfigError && error.problems.length === 3,
  )
})

test('spans are sent with what was sampled, before a stop ends, with the token of a file', async () => {
  const receiver = await OtlpReceiver.start()
  const folder = mkdtempSync(join(tmpdir(), 'kappa-tracing-'))
  try {
    const file = join(folder, 'headers')
    writeFileSync(file, 'authorization=Bearer%20hunter2\n')
    const settings = settingsOf({
      ...receiver.environment,
      OTEL_BSP_SCHEDULE_DELAY: '600000',
      OTEL_SERVICE_NAME: 'mine',
      KAPPA_OTLP_HEADERS_FILE: file,
    })
    const tracing = await startTracing('test', settings, createLogger('test', 'silent'))
    assert.ok(tracing)
    const outer = tracing.span('outer', { kind: 'server' })
    const inner = outer.child('inner', { attributes: { rows: 3 } })
    inner.link('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
    inner.fail(new Error('no rows'))
    inner.end()
    outer.end()
    await tracing.stop()
    const [found] = receiver.named('inner')
    assert.equal(found?.parentSpanId, receiver.named('outer')[0]?.spanId)
    assert.deepEqual(found?.links, ['b7ad6b7169203331'])
    assert.deepEqual([found?.failed, found?.service], [true, 'mine'])
    assert.equal(receiver.authorization, 'Bearer hunter2')
  } finally {
    receiver.stop()
    rmSync(folder, { recursive: true })
  }
})
