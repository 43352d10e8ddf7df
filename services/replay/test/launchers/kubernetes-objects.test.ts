import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restrictedProfileViolations } from '@kappa/test/kubernetes/restricted-profile'
import { parse } from 'yaml'
import { driverPod, driverService } from '../../launchers/kubernetes/driver-pod.ts'
import { executorPod } from '../../launchers/kubernetes/executor-pod.ts'
import type { KubernetesLauncherSettings } from '../../launchers/kubernetes/kubernetes-settings.ts'
import { secretNamesOf } from '../../launchers/kubernetes/object-meta.ts'
import {
  driverSecret,
  processesSecret,
  templates,
} from '../../launchers/kubernetes/release-objects.ts'
import { sparkProperties } from '../../launchers/kubernetes/spark-properties.ts'
import type { ClusterSpec } from '../../launchers/launcher.ts'

const settings: KubernetesLauncherSettings = {
  image: 'kappa-spark:test',
  namespace: 'kappa',
  owner: 'kappa-releases',
  serviceAccount: 'kappa-spark',
  priorityClasses: { live: 'kappa-live', replay: 'kappa-replay' },
  driver: { nodeSelector: { pool: 'steady' } },
  executor: { nodeSelector: { pool: 'steady' }, labels: { team: 'flights' } },
  replay: {
    executor: {
      nodeSelector: { pool: 'spot' },
      tolerations: [{ key: 'spot', operator: 'Exists', effect: 'NoSchedule' }],
    },
  },
  requestTimeoutMs: 1_000,
  relistIntervalMs: 1_000,
  stopTimeoutMs: 1_000,
}
const secrets = {
  's3 key': 'S3-SECRET-KEY',
  'Kafka password': 'KAFKA-PASSWORD',
  token: 'CONNECT-TOKEN',
}
const live: ClusterSpec = {
  application: 'flights',
  release: 3,
  cores: 2,
  executors: 2,
  memory: '1536m',
  sparkConf: { 'spark.hadoop.fs.s3a.secret.key': secrets['s3 key'] },
  secretFiles: { 'kafka-login.jaas': secrets['Kafka password'] },
  systemProperties: { 'some.switch': 'on' },
}
const replay: ClusterSpec = { ...live, release: 4, priority: 'replay' }
const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'kappa-releases', uid: 'u' }
const objects = { namespace: 'kappa', owner, epoch: 7, instance: '11111111-0000' }

test('every pod of a release keeps to the restricted profile', () => {
  for (const spec of [live, replay]) {
    for (const pod of [driverPod(settings, spec, objects), executorPod(settings, spec, objects)]) {
      assert.ok(pod.spec)
      assert.deepEqual(restrictedProfileViolations(pod.spec, pod.metadata), [])
    }
  }
})

test('secrets are in Secrets and nowhere else', () => {
  const open = JSON.stringify([
    driverPod(settings, live, objects),
    executorPod(settings, live, objects),
    driverService(live, objects),
    templates(settings, live, objects),
  ])
  for (const [what, secret] of Object.entries(secrets)) assert.ok(!open.includes(secret), what)
  const driver = JSON.stringify(driverSecret(settings, live, objects, secrets.token))
  assert.ok(driver.includes(secrets.token))
  assert.ok(driver.includes(secrets['s3 key']))
  // Executors get the object store's keys from the driver, and have nothing else in a file.
  const processes = JSON.stringify(processesSecret(live, objects))
  assert.ok(processes.includes(secrets['Kafka password']))
  assert.ok(!processes.includes(secrets.token))
  assert.ok(!processes.includes(secrets['s3 key']))
})

test('clusters of replays have their own places and give way', () => {
  const placeOf = (spec: ClusterSpec) => executorPod(settings, spec, objects).spec
  assert.equal(placeOf(live)?.priorityClassName, 'kappa-live')
  assert.deepEqual(placeOf(live)?.nodeSelector, { pool: 'steady' })
  assert.equal(placeOf(live)?.tolerations, undefined)
  assert.equal(placeOf(replay)?.priorityClassName, 'kappa-replay')
  assert.deepEqual(placeOf(replay)?.nodeSelector, { pool: 'spot' })
  assert.equal(placeOf(replay)?.tolerations?.[0]?.key, 'spot')
  // Only what is said otherwise is otherwise.
  assert.equal(executorPod(settings, replay, objects).metadata?.labels?.team, 'flights')
  assert.deepEqual(driverPod(settings, replay, objects).spec?.nodeSelector, { pool: 'steady' })
})

test('Secrets are found from the templates of the same start, and from no other', () => {
  const namesOf = (about: typeof objects) => [
    driverSecret(settings, live, about, 't').metadata?.name,
    processesSecret(live, about).metadata?.name,
  ]
  assert.deepEqual(secretNamesOf(templates(settings, live, objects)), namesOf(objects))
  const mounted = [driverPod(settings, live, objects), executorPod(settings, live, objects)]
    .flatMap(({ spec }) => spec?.volumes ?? [])
    .flatMap(({ secret }) => secret?.secretName ?? [])
  assert.deepEqual([...new Set(mounted)], namesOf(objects))
  const later = namesOf({ ...objects, instance: '22222222-0000' })
  assert.ok(namesOf(objects).every((name) => !later.includes(name)))
})

test('the user is the one of the settings, or left to the cluster; scratch space is bounded', () => {
  const podsWith = (more: Partial<KubernetesLauncherSettings>) => {
    const all = { ...settings, ...more }
    return [driverPod(all, live, objects), executorPod(all, live, objects)].map(({ spec }) => spec)
  }
  for (const spec of podsWith({ runAs: { user: 7, group: 8 } })) {
    const { runAsUser, runAsGroup, fsGroup } = spec?.securityContext ?? {}
    assert.deepEqual([runAsUser, runAsGroup, fsGroup], [7, 8, 8])
  }
  for (const spec of podsWith({})) {
    const { runAsNonRoot, ...others } = spec?.securityContext ?? {}
    assert.equal(runAsNonRoot, true)
    assert.deepEqual(Object.keys(others), ['seccompProfile'])
  }
  const bounded = { scratchSizeLimit: '3Gi' }
  for (const spec of podsWith({ driver: bounded, executor: bounded })) {
    const scratch = (spec?.volumes ?? []).flatMap(({ emptyDir }) => emptyDir ?? [])
    assert.ok(scratch.length > 0)
    for (const { sizeLimit } of scratch) assert.equal(sizeLimit, '3Gi')
  }
  const about = { namespace: 'kappa', token: 't' }
  const properties = sparkProperties({ ...settings, executor: bounded }, live, about)
  const local = 'spark.kubernetes.executor.volumes.emptyDir.spark-local-dir-1'
  assert.equal(properties[`${local}.options.sizeLimit`], '3Gi')
  assert.equal(properties[`${local}.mount.path`], properties['spark.local.dir'])
})

test('the template of executors is the pod that Spark reads', () => {
  const { data } = templates(settings, live, objects)
  const pod = parse(data?.['executor-pod.yaml'] ?? '')
  assert.equal(pod.kind, 'Pod')
  assert.deepEqual(restrictedProfileViolations(pod.spec, pod.metadata), [])
})

test('names stay within what Kubernetes allows, however long the application is', () => {
  const longest = { ...live, application: `a${'b'.repeat(40)}`, release: 12_345 }
  const hosts = [driverPod(settings, longest, objects), driverService(longest, objects)]
  for (const { metadata } of hosts) {
    assert.match(metadata?.name ?? '', /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
  }
  const secrets = [driverSecret(settings, longest, objects, 't'), processesSecret(longest, objects)]
  for (const { metadata } of [...hosts, ...secrets]) {
    assert.match(metadata?.name ?? '', /^[a-z]([-a-z0-9]{0,251}[a-z0-9])?$/)
    for (const value of Object.values(metadata?.labels ?? {})) assert.ok(value.length <= 63)
  }
})
