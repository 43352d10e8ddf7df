import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { SparkTransportError } from '@kappa/spark-connect/errors'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import { until } from '@kappa/test/until'
import { connectCluster } from '../../clusters/connect-cluster.ts'
import {
  type Cluster,
  ClusterError,
  type ClusterLauncher,
  type ClusterSpec,
} from '../../launchers/launcher.ts'
import { sparkConf } from '../../spark/spark-conf.ts'
import type { LauncherRig, ReleaseName } from './launcher-rig.ts'

const STEP_TIMEOUT_MS = 60_000
/** Which processes of a release's cluster have to have it. */
export const systemProperty = { name: 'kappa.conformance', value: 'of this run' } as const
const secretFile = 'conformance.pem'

/** What replay relies on in every launcher. Clusters are real, so there are few starts in it. */
export function launcherConformance(name: string, makeRig: () => Promise<LauncherRig>): void {
  suite(`launcher ${name}`, () => {
    let rig: LauncherRig
    let epoch = 0
    const sessions: SparkSession[] = []
    const clusters: Cluster[] = []

    before(async () => {
      rig = await makeRig()
    })
    after(async () => {
      for (const session of sessions) session.detach()
      await Promise.all(clusters.map((cluster) => cluster.stop()))
      await rig?.close?.()
    })

    /** Of the instance that is at work from now on. */
    async function nextLauncher(): Promise<ClusterLauncher> {
      const launcher = rig.launcher()
      epoch += 1
      await launcher.takeOver(epoch)
      return launcher
    }

    function specOf(release: ReleaseName, over: Partial<ClusterSpec> = {}): ClusterSpec {
      return {
        ...release,
        ...rig.size,
        sparkConf: sparkConf({ shufflePartitions: 3 }, 'rocksdb', rig.objectStore, 100),
        ...over,
      }
    }

    async function start(launcher: ClusterLauncher, spec: ClusterSpec): Promise<Cluster> {
      const { signal } = new AbortController()
      const cluster = await launcher.start(spec, { timeoutMs: rig.startTimeoutMs, signal })
      clusters.push(cluster)
      return cluster
    }

    async function connect(cluster: Cluster): Promise<SparkSession> {
      const address = await reach(cluster)
      const options = { userId: 'conformance', requestTimeoutMs: STEP_TIMEOUT_MS }
      const session = await connectCluster({ ...cluster, address }, options)
      sessions.push(session)
      return session
    }

    async function reach(cluster: Cluster): Promise<string> {
      return (await rig.reach?.(cluster)) ?? cluster.address
    }

    async function refuses(cluster: Cluster, token?: string): Promise<void> {
      const address = await reach(cluster)
      const options = { address, userId: 'conformance', ...(token === undefined ? {} : { token }) }
      await assert.rejects(connectSpark(options), (error) => {
        return error instanceof SparkTransportError && error.kind === 'unauthenticated'
      })
    }

    test('P7: a cluster answers who has its token, and holds what it was given', async () => {
      const launcher = await nextLauncher()
      const release = { application: 'given', release: 1 }
      const secret = `-----secret ${randomUUID()}-----`
      const cluster = await start(
        launcher,
        specOf(release, {
          secretFiles: { [secretFile]: `${secret}\n` },
          systemProperties: { [systemProperty.name]: systemProperty.value },
        }),
      )
      await refuses(cluster)
      await refuses(cluster, `${cluster.token}x`)
      const session = await connect(cluster)
      assert.equal(await session.getConfig('spark.sql.shuffle.partitions'), '3')
      // Spark evaluates the first in the driver, when it plans, and the second in an executor's task.
      for (const source of ['VALUES (0) AS driver(id)', 'range(1) AS executor']) {
        const value = `java_method('java.lang.System', 'getProperty', '${systemProperty.name}')`
        const rows = await session.sql(`SELECT ${value} AS value FROM ${source}`).collect()
        assert.deepEqual(rows, [{ value: systemProperty.value }], source)
      }
      const file = `${cluster.secretsFolder}/${secretFile}`
      const lines = await session.sql(`SELECT value FROM text.\`file:${file}\``).collect()
      assert.deepEqual(lines, [{ value: secret }])
      const path = `s3a://${rig.objectStore.bucket}/conformance/${randomUUID()}`
      await session.sql('SELECT id FROM range(100)').write({ format: 'json', path })
      const [{ n } = { n: 0 }] = await session
        .sql(`SELECT count(*) AS n FROM json.\`${path}\``)
        .collect()
      assert.equal(Number(n), 100)

      const visible = await rig.visible(release)
      const secrets = { token: cluster.token, file: secret, key: rig.objectStore.secretAccessKey }
      for (const [what, text] of Object.entries(secrets)) {
        assert.ok(!visible.includes(text), `others can read the ${what}`)
      }

      await Promise.all([cluster.stop(), cluster.stop()])
      assert.deepEqual(await rig.running(release), [])
      assert.match(await reasonOf(cluster), /\w/)
      await cluster.stop()
      await launcher.remove(release)
      await launcher.remove(release)
      assert.deepEqual(await rig.leftovers(release), [])
    })

    test('P7, P8: clusters of two releases are apart, and one that dies says so', async () => {
      const launcher = await nextLauncher()
      const live = { application: 'apart', release: 1 }
      const replay = { application: 'apart', release: 2 }
      const [first, second] = await Promise.all([
        start(launcher, specOf(live, { priority: 'live' })),
        start(launcher, specOf(replay, { priority: 'replay' })),
      ])
      assert.notEqual(first.instance, second.instance)
      assert.notEqual(first.address, second.address)
      await refuses(second, first.token)
      const running = await Promise.all([rig.running(live), rig.running(replay)])
      assert.equal(new Set(running.flat()).size, running.flat().length, running.join(' | '))
      if (rig.priority) {
        const [high, low] = await Promise.all([rig.priority(live), rig.priority(replay)])
        assert.ok(high > low, `live has ${high}, the replay ${low}`)
      }

      await rig.kill(replay)
      assert.match(await reasonOf(second), /\w+ \w+/)
      await second.stop()
      assert.deepEqual(await rig.running(replay), [])
      const session = await connect(first)
      assert.deepEqual(await session.sql('SELECT 1 AS one').collect(), [{ one: 1 }])
      const stillRunning = await rig.running(live)
      assert.ok(running[0].every((id) => stillRunning.includes(id)))
      await first.stop()
      for (const release of [live, replay]) {
        await launcher.remove(release)
        assert.deepEqual(await rig.leftovers(release), [])
      }
    })

    test('P2: a start ends what was left of the release, and so does whoever takes over', async () => {
      const launcher = await nextLauncher()
      const release = { application: 'again', release: 1 }
      const path = `s3a://${rig.objectStore.bucket}/conformance/${randomUUID()}`
      const first = await start(launcher, specOf(release))
      const before = await rig.running(release)
      assert.ok(before.length > 0)
      await untilBatches(await copy(await connect(first), path), 1)

      const second = await start(launcher, specOf(release))
      assert.notEqual(second.instance, first.instance)
      assert.match(await reasonOf(first), /\w+ \w+/)
      const now = await rig.running(release)
      assert.ok(now.length > 0)
      assert.deepEqual(
        now.filter((id) => before.includes(id)),
        [],
      )
      // Whoever was told too late stops the old one: that must not reach the new one.
      await first.stop()
      const session = await connect(second)
      const query = await copy(session, path)
      await untilBatches(query, 3)
      assert.equal(await query.exception(), undefined)
      const [counts] = await session
        .sql(`SELECT count(*) AS n, count(DISTINCT value) AS different FROM json.\`${path}\``)
        .collect()
      assert.equal(counts?.n, counts?.different)

      const other = await nextLauncher()
      assert.match(await reasonOf(second), /\w+ \w+/)
      assert.deepEqual(await rig.running(release), [])
      for (const refused of [
        () => launcher.takeOver(epoch - 1),
        () => start(launcher, specOf(release)),
      ]) {
        await assert.rejects(refused, clusterError(/taken over/))
      }
      assert.deepEqual(await rig.running(release), [])
      await second.stop()
      await other.remove(release)
      assert.deepEqual(await rig.leftovers(release), [])
    })

    test('P7: a start that is called off, or takes too long, leaves nothing running', async () => {
      const launcher = await nextLauncher()
      const release = { application: 'called-off', release: 1 }
      const { startTimeoutMs: timeoutMs } = rig
      const atOnce = launcher.start(specOf(release), { timeoutMs, signal: AbortSignal.abort() })
      await assert.rejects(atOnce, ClusterError)
      assert.deepEqual(await rig.running(release), [])

      const calledOff = new AbortController()
      let outcome: Cluster | Error | undefined
      const starting = launcher
        .start(specOf(release), { timeoutMs, signal: calledOff.signal })
        .then(
          (cluster) => {
            outcome = cluster
          },
          (error: Error) => {
            outcome = error
          },
        )
      await until(
        async () => outcome !== undefined || (await rig.running(release)).length > 0,
        Boolean,
        timeoutMs,
      )
      calledOff.abort()
      await starting
      // One that was there before it could be called off is a cluster like any other.
      if (outcome && !(outcome instanceof Error)) await outcome.stop()
      else assert.ok(outcome instanceof ClusterError, String(outcome?.stack))
      assert.deepEqual(await rig.running(release), [])

      const { signal } = new AbortController()
      await assert.rejects(
        launcher.start(specOf(release), { timeoutMs: 1, signal }),
        clusterError(/1 ms/),
      )
      assert.deepEqual(await rig.running(release), [])
      await launcher.remove(release)
      assert.deepEqual(await rig.leftovers(release), [])
    })

    test('P8: a cluster that lacks memory is gone, and says what to do', async (t) => {
      if (!rig.starved) return t.skip('the sizes of clusters are not chosen here')
      const { memory, reason } = rig.starved
      const launcher = await nextLauncher()
      const release = { application: 'starved', release: 1 }
      await assert.rejects(start(launcher, specOf(release, { memory })), clusterError(reason))
      assert.deepEqual(await rig.running(release), [])
      await launcher.remove(release)
      assert.deepEqual(await rig.leftovers(release), [])
    })
  })
}

/** Why a cluster is gone. */
async function reasonOf({ gone }: Cluster): Promise<string> {
  const noReason = delay(STEP_TIMEOUT_MS, 'still there', { ref: false })
  return Promise.race([gone, noReason.then((text) => assert.fail(text))])
}

/** What a launcher refuses with. */
function clusterError(words: RegExp): (error: Error) => true {
  return (error) => {
    assert.ok(error instanceof ClusterError, String(error.stack))
    assert.match(error.message, words)
    return true
  }
}

/** A query without an end, with state; on each cluster it goes on from its checkpoint. */
function copy(session: SparkSession, path: string): Promise<StreamingQuery> {
  return session
    .readStream({ format: 'rate', options: { rowsPerSecond: '20' } })
    .withWatermark('timestamp', '1 minute')
    .dropDuplicates(['value', 'timestamp'])
    .writeStream({
      format: 'json',
      outputMode: 'append',
      path,
      checkpointLocation: `${path}-checkpoint`,
    })
}

/** Waits until a query has finished so many batches since it was started. */
async function untilBatches(query: StreamingQuery, batches: number): Promise<void> {
  await until(
    () => query.recentProgress(),
    (progress) => progress.filter(({ inputRows }) => inputRows > 0).length >= batches,
    STEP_TIMEOUT_MS,
  )
}
