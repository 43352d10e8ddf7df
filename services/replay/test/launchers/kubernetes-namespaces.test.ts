import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@kappa/service/logger'
import { KubernetesLauncher } from '../../launchers/kubernetes/kubernetes-launcher.ts'
import { ClusterError } from '../../launchers/launcher.ts'

test('an application without a namespace is refused with what to do, before anything is asked of Kubernetes', async () => {
  const settings = {
    image: 'kappa-spark:test',
    namespaces: { flights: 'kappa-flights' },
    owner: 'kappa-releases',
    serviceAccount: 'kappa-spark',
    requestTimeoutMs: 1_000,
    relistIntervalMs: 1_000,
    stopTimeoutMs: 1_000,
  }
  const launcher = new KubernetesLauncher(settings, createLogger('replay', 'silent'))
  await assert.rejects(launcher.remove({ application: 'shop', release: 1 }), (error) => {
    assert.ok(error instanceof ClusterError)
    assert.match(error.message, /application shop.*"namespaces"/)
    return true
  })
})
