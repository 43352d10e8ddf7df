import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { chartFiles, chartFolder } from '@kappa/chart/chart-files'
import { describeValues } from '@kappa/chart/value-descriptions'
import { readIngestConfig } from '@kappa/ingest/config'
import { type ReplayConfig, readReplayConfig } from '@kappa/replay/config'
import { readResultsConfig } from '@kappa/results/config'
import type { V1IngressSpec } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { CertificateAuthority } from '../kafka-cluster/certificates.ts'
import { chart } from '../kubernetes/installation.ts'
import {
  find,
  type Helm,
  helms,
  type KubernetesObject,
  podTemplates,
  render,
  runHelm,
  type Values,
} from './render.ts'
import { launcherSettings, serviceEnvironment } from './service-environment.ts'
import { matrix } from './values.ts'

const versions = Object.keys(helms) as Helm[]
const readers = { ingest: readIngestConfig, replay: readReplayConfig, results: readResultsConfig }
type Service = keyof typeof readers

describe('The values of the chart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kappa-chart-'))
  after(() => rmSync(folder, { recursive: true }))

  test('what is generated is as npm run chart writes it', () => {
    for (const [name, content] of Object.entries(chartFiles())) {
      assert.equal(readFileSync(join(chartFolder, name), 'utf8'), content, `Run: npm run chart`)
    }
  })

  test('every value has a description', () => {
    const schema = JSON.parse(readFileSync(join(chartFolder, 'values.schema.json'), 'utf8'))
    const defaults = parse(readFileSync(join(chartFolder, 'values.yaml'), 'utf8'))
    const described = describeValues(schema)
    const names = described.map(({ path }) => path.join('.'))
    const leaves = new Set(names.filter((_name, at) => !described[at]?.isGroup))
    for (const { path, description, isGroup } of described) {
      assert.ok(isGroup || description, `${path.join('.')} has no description`)
    }
    for (const name of leavesOf(defaults)) {
      // In values that are as Kubernetes has them, the schema describes the whole.
      const parts = name.split('.')
      const isDescribed = parts.some((_part, at) => leaves.has(parts.slice(0, at + 1).join('.')))
      assert.ok(isDescribed || names.includes(name), `${name} is not in the schema`)
    }
  })

  test('the chart is of the version that it installs', () => {
    const read = (...path: string[]) => readFileSync(join(chartFolder, ...path), 'utf8')
    const { version } = JSON.parse(read('..', '..', 'package.json'))
    const { version: chartVersion, appVersion } = parse(read('Chart.yaml'))
    assert.deepEqual([chartVersion, appVersion], [version, version])
  })

  test('both Helms have nothing to say against it', async () => {
    for (const version of versions) {
      for (const values of Object.values(matrix)) {
        const result = await runHelm(version, ['lint', '--strict', chart, '--values', '-'], values)
        assert.equal(result.exitCode, 0, result.stdout + result.stderr)
      }
    }
  })

  test('Kubernetes before 1.31 is refused', async () => {
    await render(matrix.required, { args: ['--kube-version', '1.31.0'] })
    await assert.rejects(
      render(matrix.required, { args: ['--kube-version', '1.30.9'] }),
      /requires kubeVersion/,
    )
  })

  test('the services accept their variables, whatever the values', async () => {
    const authority = await CertificateAuthority.create('Kafka')
    const { certificate, key } = await authority.issue('kappa')
    const secrets = {
      's3-credentials.json': '{"accessKeyId": "a", "secretAccessKey": "b"}',
      'kafka-ca.pem': authority.certificate,
      'kafka-certificate.pem': certificate,
      'kafka-private-key.pem': key,
    }
    for (const [name, values] of Object.entries(matrix)) {
      const objects = await render(values)
      for (const service of Object.keys(readers) as Service[]) {
        const config = readers[service](serviceEnvironment(objects, service, folder, secrets))
        assert.equal(config.http.host, '0.0.0.0', name)
        if ('launcher' in config) assert.deepEqual(placesOf(config), ownersOf(objects), name)
        if (name !== 'everything') continue
        const { connectionsMax, stopDelayMs } = config.http
        assert.deepEqual([connectionsMax, stopDelayMs], [1_000_000, 0])
      }
    }
  })

  test('what is missing or contradicts itself is told all at once, with the value', async () => {
    const { required } = matrix
    const wrong: [Values, RegExp[]][] = [
      [
        {},
        [/kafka\.brokers/, /redis\.url/, /objectStore\.endpoint/, /objectStore\.existingSecret/],
      ],
      [
        { ...required, dev: { enabled: true } },
        [/dev\.kafka\.enabled=false/, /dev\.redis/, /dev\.objectStore/],
      ],
      [{ ...required, redis: { url: 'redis://a:6379', cluster: true } }, [/redis\.jobs\.url/]],
      [{ ...required, redis: { url: 'redis://u:p@a' } }, [/redis\.url has credentials in it/]],
      [kafka({ sasl: { mechanism: 'plain' } }), [/sasl\.existingSecret/, /sasl\.username/]],
      [kafka({ sasl: { mechanism: 'oauthbearer', existingSecret: 'a' } }), [/oauth\.tokenUrl/]],
      [kafka({ tls: { enabled: true, caKey: 'ca.crt' } }), [/tls\.existingSecret/]],
      [kafka({ tls: { existingSecret: 'a' } }), [/tls\.enabled is false/]],
      [
        kafka({ tls: { enabled: true, existingSecret: 'a', certificateKey: 'tls.crt' } }),
        [/privateKeyKey belong together/],
      ],
      [{ ...required, namespacePerApplication: { enabled: true } }, [/applications is empty/]],
      [{ ...required, priorityClasses: { live: { value: -20 } } }, [/not above/]],
      [
        { ...required, priorityClasses: { create: false, live: { name: 'high' } } },
        [/replay\.name belong together/],
      ],
      [
        { ...required, ingest: { autoscaling: { enabled: true, minReplicas: 9 } } },
        [/ingest\.autoscaling\.minReplicas/],
      ],
      [{ ...required, tracing: { existingSecret: 'a' } }, [/without tracing\.endpoint/]],
      [{ ...required, ingress: { enabled: true } }, [/ingress\.hosts/, /tls\.existingSecret/]],
      [{ ...required, gateway: { enabled: true } }, [/gateway\.hosts/, /gateway\.parentRefs/]],
    ]
    for (const version of versions) {
      for (const [values, reasons] of wrong) {
        const told = await render(values, { version }).then(
          () => 'nothing',
          (error: Error) => error.message,
        )
        for (const reason of reasons) assert.match(told, reason)
      }
    }
  })

  test('the schema refuses what is misspelled, of the wrong kind, or a secret', async () => {
    const { required } = matrix
    const wrong: [Values, RegExp][] = [
      [{ ...required, ingest: { replica: 2 } }, /replica/],
      [{ ...required, replay: { autoscaling: {} } }, /autoscaling/],
      [{ ...required, kafka: { brokers: ['kafka://a:9092'] } }, /brokers/],
      [{ ...required, settings: { KAPPA_REDIS_PASSWORD: 'a' } }, /KAPPA_REDIS_PASSWORD/],
      [{ ...required, settings: { PATH: 'a' } }, /PATH/],
      [{ ...required, settings: { OTEL_EXPORTER_OTLP_HEADERS: 'a' } }, /OTEL_EXPORTER/],
      [{ ...required, commonLabels: { 'app.kubernetes.io/name': 'a' } }, /app\.kubernetes\.io/],
      [{ ...required, spark: { driver: { cores: 2 } } }, /cores/],
    ]
    for (const version of versions) {
      for (const [values, reason] of wrong)
        await assert.rejects(render(values, { version }), reason)
    }
  })

  test('a changed setting starts the pods anew that it is for, and no others', async () => {
    const before = await render(matrix.required)
    const changed = async (values: Values) => {
      const after = await render({ ...matrix.required, ...values })
      const texts = podTemplates(before).map((each) => JSON.stringify(each))
      return podTemplates(after)
        .filter((each) => !texts.includes(JSON.stringify(each)))
        .map(({ owner }) => owner)
    }
    const all = ['Deployment kappa-ingest', 'Deployment kappa-replay', 'Deployment kappa-results']
    assert.deepEqual(await changed({}), [])
    assert.deepEqual((await changed({ logLevel: 'warn' })).sort(), all)
    assert.deepEqual(await changed({ ingest: { settings: { KAPPA_A: 1 } } }), all.slice(0, 1))
    assert.deepEqual(await changed({ spark: { driver: { memory: '2g' } } }), all.slice(1, 2))
  })

  test('pods of Spark run as the user of the values, or as one that the cluster gives', async () => {
    const runAs = async (values: Values) =>
      parse(launcherSettings(await render({ ...matrix.required, ...values }))).runAs
    assert.deepEqual(await runAs({}), { user: 10001, group: 10001 })
    assert.deepEqual(await runAs({ runAs: { user: 20000 } }), { user: 20000, group: 10001 })
    assert.deepEqual(await runAs({ runAs: { user: 20000, group: null } }), { user: 20000 })
    assert.equal(await runAs({ runAs: null }), undefined)
    assert.equal(await runAs({ runAs: { user: null, group: null } }), undefined)
  })

  test('no pod may fill the disk of its node', async () => {
    const objects = await render({ ...matrix.required, replay: { scratchSizeLimit: '2Gi' } })
    const limits = podTemplates(objects).flatMap(({ owner, spec: { volumes = [] } }) =>
      volumes.flatMap(({ emptyDir }) => (emptyDir ? [[owner, emptyDir.sizeLimit]] : [])),
    )
    assert.deepEqual(Object.fromEntries(limits), {
      'Deployment kappa-ingest': '1Gi',
      'Deployment kappa-replay': '2Gi',
      'Deployment kappa-results': '1Gi',
    })
    const { driver, executor } = parse(launcherSettings(objects))
    assert.equal(driver.scratchSizeLimit, '5Gi')
    assert.equal(executor.scratchSizeLimit, '20Gi')
  })

  test('the Service of replay leads to the leader alone, ready or not', async () => {
    const { spec } = find(await render(matrix.required), 'Service kappa-replay')
    const { selector, publishNotReadyAddresses } = spec as Record<string, unknown>
    assert.equal((selector as Record<string, string>)['kappa.dev/leader'], 'true')
    assert.equal(publishNotReadyAddresses, true)
  })

  test('one Ingress, and one certificate, has all hosts that are named', async () => {
    const hosts = { ingest: 'ingest.example.com', replay: 'replay.example.com' }
    const ingress = { enabled: true, hosts, tls: { existingSecret: 'tls' } }
    const objects = await render({ ...matrix.required, ingress })
    assert.equal(objects.filter(({ kind }) => kind === 'Ingress').length, 1)
    const { rules = [], tls } = find(objects, 'Ingress kappa-ingress').spec as V1IngressSpec
    assert.deepEqual(tls, [{ hosts: Object.values(hosts), secretName: 'tls' }])
    assert.deepEqual(
      rules.map(({ host, http }) => [host, http?.paths[0]?.backend.service?.name]),
      Object.entries(hosts).map(([service, host]) => [host, `kappa-${service}`]),
    )
  })

  test('Spark drivers are open to replay, and their UI to operators', async () => {
    const operators = { podSelector: { matchLabels: { role: 'operator' } } }
    const metrics = { podSelector: { matchLabels: { role: 'metrics' } } }
    const networkPolicy = { operatorsFrom: [operators], metricsFrom: [metrics] }
    const objects = await render({ ...matrix.required, networkPolicy })
    const { spec } = find(objects, 'NetworkPolicy kappa-spark-driver')
    const { ingress } = spec as { ingress: { from: unknown[]; ports: { port: number }[] }[] }
    assert.deepEqual(
      ingress.map(({ ports }) => ports.map(({ port }) => port)),
      [[15002, 4040], [4040]],
    )
    assert.deepEqual(ingress[1]?.from, [operators])
  })

  test('another installation does not hide from the alerts that this one is gone', async () => {
    const objects = await render(matrix.everything)
    const { spec } = find(objects, 'PrometheusRule kappa-alerts')
    const { groups } = spec as { groups: { rules: { alert: string; expr: string }[] }[] }
    const exprs = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
    const absences = exprs.flatMap((expr) => expr.match(/absent(_over_time)?\([^)]*\)/g) ?? [])
    assert.ok(absences.length > 0)
    for (const absence of absences) assert.match(absence, /\{namespace="analytics"[,}]/)
  })

  test('the notes warn of what is exposed, loudly, and of nothing else', async () => {
    const notes = async (values: Values) => {
      const dryRun = ['install', 'kappa', chart, '--dry-run=client', '--values', '-']
      const { stdout } = await runHelm('Helm 4', dryRun, values)
      return stdout.slice(stdout.indexOf('NOTES:'))
    }
    const loud = await notes(matrix.everything)
    assert.match(loud, /WARNING: exposed beyond the cluster: .*ingest at ingest\.example\.com/)
    assert.match(loud, /START, SWITCH AND DELETE RELEASES/)
    assert.doesNotMatch(await notes(matrix.required), /WARNING/)
  })

  function kafka(values: Values): Values {
    return { ...matrix.required, kafka: { brokers: ['a:9092'], ...values } }
  }
})

/** Where the launcher works, as `namespace/ConfigMap`. */
function placesOf({ launcher }: ReplayConfig): string[] {
  assert.equal(launcher.kind, 'kubernetes')
  const { namespace, namespaces = {}, owner } = launcher
  const all = [...Object.values(namespaces), ...(namespace ? [namespace] : [])]
  return all.map((each) => `${each}/${owner}`).sort()
}

/** ConfigMaps that own releases; where one is, replay has the right to start them. */
function ownersOf(objects: readonly KubernetesObject[]): string[] {
  return objects
    .filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith('-releases'))
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    .sort()
}

function leavesOf(value: unknown, path: readonly string[] = []): string[] {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value)
  const entries = isGroup ? Object.entries(value) : []
  if (entries.length === 0) return [path.join('.')]
  return entries.flatMap(([key, each]) => leavesOf(each, [...path, key]))
}
