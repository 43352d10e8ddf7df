import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { assertSameRows } from '../oracle/compare.ts'
import { expectedView } from '../oracle/flights.ts'
import { OtlpReceiver, type ReceivedSpan } from '../otlp-receiver.ts'
import { copyFlights, keepViews } from '../platform/flights-copy.ts'
import { assertDocumented, readMetrics } from '../platform/metrics.ts'
import { Platform } from '../platform/platform.ts'
import { publishImport, sampleEvents } from '../platform/publish.ts'
import { waitFor } from '../platform/wait.ts'
import { Replays, readAllTheTime } from '../replays/replays.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-replay'
const view = 'carrier_hours'

test('P2, P4, P7: a release is built from the log, compared, promoted, rolled back and retired', async () => {
  const copy = copyFlights(join(testStack().stateFolder, `${namespace}-files`), namespace)
  keepViews(copy, [view])
  const receiver = await OtlpReceiver.start()
  const environment = { KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX: '15000', ...receiver.environment }
  const platform = await Platform.start({ namespace, redisDatabase: 9, ...copy, environment })
  const replays = new Replays(platform)
  try {
    await platform.untilLive('flights')
    await publishImport(platform.ingest.url, await sampleEvents(), copy)
    await platform.untilCurrent('flights', [view])
    const reader = readAllTheTime(platform, 'flights', view, 50)

    const { id } = await replays.create({ application: 'flights', promote: 'if-equal' })
    const { comparison } = await replays.until(id, ['live'])
    assert.equal(comparison?.verdict, 'equal')
    const [compared] = comparison.views
    assert.ok((compared?.equal ?? 0) > 0)
    assert.equal(compared?.unexplained, 0)
    await platform.untilCurrent('flights', [view])
    const expected = await expectedView(view)
    assertSameRows(view, expected, await platform.allRows('flights', view))

    await assertDocumented('ingest', platform.ingest.url)
    await assertDocumented('replay', platform.replay.url)
    await assertDocumented('results', platform.results.url)

    const back = await replays.rollBack('flights')
    assert.deepEqual([back.from, back.to, back.done], [2, 1, true])
    await platform.untilCurrent('flights', [view])
    assertSameRows(view, expected, await platform.allRows('flights', view))
    const { problems, releases } = await reader.stop()
    assert.deepEqual(problems, [])
    assert.deepEqual(releases, [1, 2, 1])

    await replays.post('/v1/releases/flights/2/retire')
    const { orphans } = await replays.request<{ orphans: unknown[] }>('GET', '/v1/orphans')
    assert.deepEqual(orphans, [])
    for (const { url } of [platform.replay, platform.results]) {
      await waitFor(
        'no series of a release that is retired',
        async () => {
          const { samples } = await readMetrics(url)
          return samples.some(({ labels }) => labels.release === '2') ? undefined : true
        },
        60_000,
      )
    }
  } finally {
    await platform.stop()
    receiver.stop()
  }
  assertTraced(receiver)
})

/** What replay has done for the release is a trace of the way to it, and one of each switch. */
function assertTraced(receiver: OtlpReceiver): void {
  const parentOf = ({ parentSpanId }: ReceivedSpan) =>
    receiver.spans.find(({ spanId }) => spanId === parentSpanId)?.name
  const parentsOf = (name: string) => [...new Set(receiver.named(name).map(parentOf))]
  assert.equal(receiver.named('replay flights-2').length, 1)
  const way = receiver.named('catching_up').map(parentOf)
  assert.ok(way.includes('replay flights-2'), String(way))
  assert.deepEqual(parentsOf('compare rows'), ['comparing'])
  assert.deepEqual(parentsOf('set pointer').sort(), ['promote flights-2', 'rollback flights-1'])
  assert.deepEqual(
    receiver.spans.filter(({ failed }) => failed),
    [],
  )
}
