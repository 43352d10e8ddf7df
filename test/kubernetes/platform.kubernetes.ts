import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { assertSameRows } from '../oracle/compare.ts'
import { expectedViews, VIEW_NAMES, type ViewName } from '../oracle/flights.ts'
import { Follower } from '../platform/follower.ts'
import { type Publication, sampleEvents } from '../platform/publish.ts'
import { waitFor } from '../platform/wait.ts'
import { type Reader, Replays, readAllTheTime } from '../replays/replays.ts'
import { FlightsFiles } from './flights-files.ts'
import { Installation } from './installation.ts'
import { SteadyPublisher } from './steady-publisher.ts'
import { clusterValues, merged, type Values } from './values.ts'

const atFirst = 8_000
const eventsPerSecond = 40
const recoveryTimeoutMs = 300_000
const noticedTimeoutMs = 300_000
const followed = 'carrier_hours'
const followedTopic = 'flights.departures'

/** Small, so that two Spark clusters fit beside everything else on a small node. */
const small = (replicas: number) => ({
  replicas,
  resources: { requests: { cpu: '50m', memory: '256Mi' }, limits: { memory: '1Gi' } },
})

describe('Kappa on Kubernetes', { concurrency: 1 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kappa-kubernetes-'))
  let installation: Installation
  let replays: Replays
  let files: FlightsFiles
  let values: Values
  let events: Publication[] = []
  let published = 0
  const seconds: Record<string, number> = {}
  const running: { stop(): Promise<unknown> }[] = []

  before(async () => {
    events = await sampleEvents()
    const begun = performance.now()
    installation = await Installation.install(folder, async (namespace, api) => {
      files = new FlightsFiles(api.core, namespace)
      await files.create()
      values = merged(clusterValues(), {
        definitions: { applicationsVolume: files.volume },
        applications: ['flights'],
        spark: { driver: { cpuRequest: '50m' }, executor: { cpuRequest: '100m' } },
        ingest: small(2),
        results: small(2),
        replay: small(2),
      })
      return values
    })
    seconds['helm install'] = since(begun)
    replays = new Replays(installation)
    await installation.untilLive('flights')
    seconds['installed to live'] = since(begun)
  })
  /** What a test that failed has left running. */
  afterEach(async () => {
    await Promise.allSettled(running.splice(0).map((each) => each.stop()))
  })
  after(async () => {
    console.table(seconds)
    await installation?.uninstall()
    rmSync(folder, { recursive: true, force: true })
  })

  function publishOn(): SteadyPublisher {
    const rest = events.slice(published)
    const publisher = new SteadyPublisher(installation.ingest.url, rest, eventsPerSecond)
    running.push(publisher)
    return publisher
  }

  function read(everyMs: number): Reader {
    const options = { patient: true }
    const reader = readAllTheTime(installation, 'flights', followed, everyMs, options)
    running.push(reader)
    return reader
  }

  function follow(): Follower {
    const follower = new Follower(installation.results.url, 'flights', followed)
    running.push(follower)
    return follower
  }

  /** Publishes what is left up to a number, as fast as it goes. */
  async function publishUpTo(end: number): Promise<void> {
    const publisher = new SteadyPublisher(
      installation.ingest.url,
      events.slice(published, end),
      1_000_000,
    )
    await publisher.finished
    await publisher.stop()
    published += publisher.accepted
  }

  async function assertRows(names: readonly ViewName[]): Promise<void> {
    const views = names.map(viewOf)
    await installation.untilCurrent('flights', views)
    const eventIds = new Set(events.slice(0, published).map(idOf))
    for (const expected of await expectedViews(names, { eventIds })) {
      const view = viewOf(expected.name)
      assertSameRows(view, expected, await installation.allRows('flights', view))
    }
    for (const { view, position, ...status } of (await installation.releaseStatus('flights'))
      .views) {
      assert.equal(status.rows_dropped_by_watermark, 0, view)
      assert.equal(position.complete, true, view)
    }
  }

  test('P2, P6: flights come out of every view as the oracle has them', async () => {
    await publishUpTo(atFirst)
    await assertRows(VIEW_NAMES)
  })

  test('P1, P2, P4, P5, P6, P8: every pod is deleted once while events flow', async () => {
    const reader = read(200)
    const follower = follow()
    const publisher = publishOn()
    const victims: Record<string, () => Promise<string>> = {
      'an executor': () => installation.podOf('spark-executor'),
      'the driver': () => installation.podOf('spark-driver'),
      'an ingest': () => installation.podOf('ingest'),
      'a results': () => installation.podOf('results'),
      'the leader of replay': () => installation.leader(),
      Kafka: () => installation.podOf('kafka'),
      Redis: () => installation.podOf('redis'),
      'the object store': () => installation.podOf('object-store'),
    }
    try {
      for (const [what, find] of Object.entries(victims)) {
        const victim = await find()
        const begun = performance.now()
        await installation.deletePod(victim)
        await untilCounted(publisher)
        seconds[`recovery from the loss of ${what}`] = since(begun)
      }
    } finally {
      await publisher.stop()
      published += publisher.accepted
    }
    await assertRows(VIEW_NAMES)
    await follower.untilCurrent(recoveryTimeoutMs)
    const eventIds = new Set(events.slice(0, published).map(idOf))
    for (const expected of await expectedViews([followed], { eventIds })) {
      assertSameRows(`followed ${followed}`, expected, [...follower.rows.values()])
    }
    const report = await reader.stop()
    await follower.stop()
    assert.deepEqual(report.problems, [])
    assert.deepEqual(report.releases, [1])
    console.log(`  ${report.answers} answers; asked again: ${JSON.stringify([...report.retries])}`)
  })

  test('P2, P4, P7: a changed view is replayed on a cluster of its own, promoted and rolled back', async () => {
    const reader = read(100)
    const follower = follow()
    await follower.untilCurrent(recoveryTimeoutMs)
    await files.change(followed, (sql) => sql.replace('window(departed_at', 'window(scheduled_at'))
    await waitFor(
      'replay seeing the changed file',
      async () => {
        const path = '/v1/applications/flights/diff'
        const diff = await replays.request<{ equal: boolean }>('GET', path)
        return diff.equal ? undefined : diff
      },
      noticedTimeoutMs,
    )
    const begun = performance.now()
    const { id } = await replays.create({ application: 'flights' })
    const drivers = await waitFor(
      'a second driver',
      async () => {
        const pods = await installation.podsOf('spark-driver')
        return pods.length === 2 ? pods : undefined
      },
      recoveryTimeoutMs,
    )
    assert.deepEqual(drivers.sort(), ['flights-1', 'flights-2'])
    const ready = await replays.until(id, ['ready'])
    seconds['replay requested to ready'] = since(begun)
    for (const { view, verdict } of ready.comparison?.views ?? []) {
      assert.equal(verdict, view === followed ? 'different' : 'equal', view)
    }
    const outcome = await replays.promote(id, { force: true })
    assert.equal(outcome.done, true)
    await reader.untilSees(2, recoveryTimeoutMs)
    await assertRows(['carrier_hours_scheduled', ...VIEW_NAMES.filter((name) => name !== followed)])
    const back = await replays.rollBack('flights')
    assert.deepEqual([back.from, back.to, back.done], [2, 1, true])
    await reader.untilSees(1, recoveryTimeoutMs)
    await assertRows(VIEW_NAMES)
    await follower.untilCurrent(recoveryTimeoutMs)
    const report = await reader.stop()
    await follower.stop()
    assert.deepEqual(report.problems, [])
    console.log(`  asked again: ${JSON.stringify([...report.retries])}`)
    assert.deepEqual(report.releases, [1, 2, 1])
    assert.deepEqual([follower.releases, follower.breaks, follower.snapshots], [[2, 1], 0, 0])
  })

  test('an upgrade and its rollback under load: no request of a retrying client fails', async () => {
    const reader = read(100)
    const publisher = publishOn()
    try {
      const begun = performance.now()
      // Every pod of the services is another one: that is what an upgrade does to them.
      const annotations = { 'test/upgraded': 'true' }
      const next = { ingest: { annotations }, results: { annotations }, replay: { annotations } }
      await installation.helm('upgrade', merged(values, next))
      await untilCounted(publisher)
      seconds['helm upgrade'] = since(begun)
      const rollingBack = performance.now()
      await installation.rollBackHelm()
      await untilCounted(publisher)
      seconds['helm rollback'] = since(rollingBack)
    } finally {
      await publisher.stop()
      published += publisher.accepted
    }
    await assertRows(VIEW_NAMES)
    const report = await reader.stop()
    assert.deepEqual(report.problems, [])
    console.log(`  asked again: ${JSON.stringify([...report.retries])}`)
  })

  test('uninstalling leaves nothing', async () => {
    await files.remove()
    assert.deepEqual(await installation.uninstall(), [])
  })

  /** Until a view holds an event that was acknowledged after the call. */
  async function untilCounted(publisher: SteadyPublisher): Promise<void> {
    const { positions } = publisher
    const known = positions.get(followedTopic)
    const position = await waitFor(
      'an event being acknowledged',
      async () =>
        positions.get(followedTopic) === known ? undefined : positions.get(followedTopic),
      recoveryTimeoutMs,
    )
    await waitFor(
      'an event being counted',
      () => installation.page('flights', followed, `limit=1&await=${position}&timeout_ms=10000`),
      recoveryTimeoutMs,
    )
  }
})

function viewOf(name: ViewName): string {
  return name === 'carrier_hours_scheduled' ? followed : name
}

function idOf({ event }: Publication): string {
  return (event as { event_id: string }).event_id
}

function since(begun: number): number {
  return Math.round((performance.now() - begun) / 100) / 10
}
