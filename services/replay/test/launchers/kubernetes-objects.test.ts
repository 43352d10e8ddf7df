import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restrictedProfileViolations } from '@kappa/test/kubernetes/restricted-profile'
import { parse } from 'yaml'
import { driverPod, driverService } from '../../launchers/kubernetes/driver-pod.ts'
import { executorPod } from '../../launchers/kubernetes/executor-pod.ts'
import type { KubernetesLauncherSettings } from '../../launchers/kubernetes/kubernetes-settings.ts'
import {
  driverSecret,
  processesSecret,
  templates,
} from '../../launchers/kubernetes/release-objects.ts'
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
const objects = { namespace: 'kappa', owner, epoch: 7, instance: 'i' }

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

test('the template of executors is the pod that Spark reads', () => {
  const { data } = templates(settings, live, objects)
  const pod = parse(data?.['executor-pod.yaml'] ?? '')
  assert.equal(pod.kind, 'Pod')
  assert.deepEqual(restrictedProfileViolations(pod.spec, pod.metadata), [])
})

test('names stay within what Kubernetes allows, however long the application is', () => {
  const longest = { ...live, application: `a${'b'.repeat(40)}`, release: 12_345 }
  const made = [
    driverPod(settings, longest, objects),
    driverService(longest, objects),
    driverSecret(settings, longest, objects, 't'),
    processesSecret(longest, objects),
  ]
  for (const { metadata } of made) {
    assert.match(metadata?.name ?? '', /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
    for (const value of Object.values(metadata?.labels ?? {})) assert.ok(value.length <= 63)
  }
})
