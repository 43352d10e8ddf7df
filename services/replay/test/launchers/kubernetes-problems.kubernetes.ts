import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connectSpark } from '@kappa/spark-connect/session'
import { until } from '@kappa/test/until'
import type { KubernetesLauncherSettings } from '../../launchers/kubernetes/kubernetes-settings.ts'
import { type Cluster, ClusterError, type ClusterSpec } from '../../launchers/launcher.ts'
import { type KubernetesRig, kubernetesRig } from './kubernetes-rig.ts'

const noticedTimeoutMs = 120_000

describe('what goes wrong with the pods of a release is told in words', { concurrency: 1 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kappa-problems-'))
  let rig: KubernetesRig
  let epoch = 0

  before(async () => {
    rig = await kubernetesRig(folder)
  })
  after(async () => {
    await rig?.close?.()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(
    over: Partial<ClusterSpec>,
    settings: Partial<KubernetesLauncherSettings> = {},
    timeoutMs = rig.startTimeoutMs,
  ): Promise<Cluster> {
    const launcher = rig.launcherWith(settings)
    epoch += 1
    await launcher.takeOver(epoch)
    const spec = { application: 'troubled', release: 1, ...rig.size, sparkConf: {}, ...over }
    return launcher.start(spec, { timeoutMs, signal: new AbortController().signal })
  }

  async function fails(starting: Promise<Cluster>, words: RegExp): Promise<void> {
    await assert.rejects(starting, (error) => {
      assert.ok(error instanceof ClusterError, String(error))
      assert.match(error.message, words)
      return true
    })
    assert.deepEqual(await rig.leftovers({ application: 'troubled', release: 1 }), [])
  }

  function untilTold(cluster: Cluster, words: RegExp): Promise<string[]> {
    return until(
      async () => cluster.problems?.() ?? [],
      (problems) => problems.some((problem) => words.test(problem)),
      noticedTimeoutMs,
    )
  }

  test('an image that is not there', async () => {
    await fails(start({}, { image: 'nowhere.invalid/spark:1' }), /image cannot be pulled.*nowhere/)
  })

  test('no node has room for the driver', async () => {
    const driver = { cpuRequest: '1000' }
    await fails(start({}, { driver }, 5_000), /cannot be scheduled: .*Insufficient cpu/)
  })

  test('a ResourceQuota forbids the driver', async () => {
    const { api, namespace } = rig.installation
    const metadata = { name: 'tight' }
    const body = { metadata, spec: { hard: { 'requests.memory': '1Mi' } } }
    await api.core.createNamespacedResourceQuota({ namespace, body })
    try {
      await fails(start({}), /exceeded quota: tight.*requests\.memory/)
    } finally {
      await api.core.deleteNamespacedResourceQuota({ name: 'tight', namespace })
    }
  })

  test('no node has room for executors; the driver and its UI are there, by name', async () => {
    const cluster = await start({}, { executor: { cpuRequest: '1000' } })
    try {
      await untilTold(cluster, /exec-1 cannot be scheduled: .*Insufficient cpu/)
      const pod = 'troubled-1'
      const { port } = await rig.installation.forward({ pod, port: 4_040 })
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/applications`)
      const [application] = (await answer.json()) as { name: string }[]
      assert.equal(application?.name, pod)
      const { spec } = await rig.installation.api.core.readNamespacedService({
        name: pod,
        namespace: rig.installation.namespace,
      })
      assert.deepEqual(spec?.ports?.map(({ port: number }) => number).sort(), [15_002, 4_040])
    } finally {
      await cluster.stop()
    }
  })

  test('an executor takes more memory than its limit', async () => {
    const cluster = await start({
      sparkConf: {
        'spark.executor.memoryOverhead': '1m',
        // The whole heap is taken at once, and the JVM needs more than that.
        'spark.executor.extraJavaOptions': '-XX:+AlwaysPreTouch -Xms512m',
      },
    })
    try {
      await untilTold(cluster, /more memory than its limit of .*spark\.memory/)
    } finally {
      await cluster.stop()
    }
  })

  test('dynamic allocation: executors come while there is work for them', async () => {
    const cluster = await start({
      executorsMax: 2,
      sparkConf: { 'spark.dynamicAllocation.executorIdleTimeout': '2s' },
    })
    const address = (await rig.reach?.(cluster)) ?? cluster.address
    const session = await connectSpark({ address, token: cluster.token, userId: 'problems' })
    try {
      const work = session
        .sql(
          "SELECT java_method('java.lang.Thread', 'sleep', 300L * (id % 2)) FROM range(0, 200, 1, 40)",
        )
        .collect()
      await Promise.race([
        work.then(() => assert.fail('It was over before another executor came.')),
        until(
          () => rig.running({ application: 'troubled', release: 1 }),
          (pods) => pods.length === 3,
          noticedTimeoutMs,
        ),
      ])
      await session.interrupt()
      await assert.rejects(work)
    } finally {
      session.detach()
      await cluster.stop()
    }
  })
})
