import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ReleaseState, releaseStates, TopicNames } from '@kappa/applications/records'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import { testStack } from '@kappa/test/stack'
import { ControlLog } from '../control/control-log.ts'
import { mayMove } from '../control/release-states.ts'
import { Releases } from '../control/releases.ts'
import { releaseRecord } from './release-record.ts'

const topics = new TopicNames('releases')
const options = { replicationFactor: 1, timeoutMs: 30_000 }
let kafka: Kafka
let control: ControlLog
let releases: Releases

before(async () => {
  kafka = await connectKafka({
    brokers: [testStack().kafkaBrokers],
    clientId: 'releases',
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
  })
  control = await ControlLog.open(kafka, topics, options)
  releases = new Releases(control)
})
after(async () => {
  await control?.close()
  await kafka?.close()
})

const beforeLive: readonly ReleaseState[] = [
  'requested',
  'checked',
  'starting',
  'catching_up',
  'paused',
  'comparing',
  'ready',
]

test('L2: the life of a release, as it is written down', () => {
  const way: readonly ReleaseState[] = [
    ...beforeLive.filter((state) => state !== 'paused'),
    ...(['live', 'standby', 'live', 'standby', 'retained', 'retired'] as const),
  ]
  for (const [index, state] of way.slice(1).entries()) {
    const from = way[index] as ReleaseState
    assert.ok(mayMove(from, state), `${from} to ${state}`)
  }
  for (const state of beforeLive) {
    assert.ok(mayMove(state, 'cancelled') && mayMove(state, 'failed'), state)
    assert.ok(!mayMove(state, 'retired'), `${state} is cancelled, never retired`)
  }
  for (const state of ['live', 'standby'] as const) {
    assert.ok(mayMove(state, 'failed') && !mayMove(state, 'cancelled'), state)
  }
  assert.ok(!mayMove('live', 'retired'), 'what readers get is never deleted')
  for (const gone of ['retired', 'cancelled'] as const) {
    const moves = releaseStates.filter((state) => state !== gone && mayMove(gone, state))
    assert.deepEqual(moves, [], `nothing comes after ${gone}`)
  }
})

test('L2: a move that is not in the table is refused, and nothing is written', async () => {
  const { application, release } = await added()
  const id = { application, release }
  await assert.rejects(
    releases.update(id, () => ({ state: 'live' })),
    /cannot go from requested to live/,
  )
  await assert.rejects(releases.makeLive(id, {}), /cannot go from requested to live/)
  assert.equal(releases.get(id).state, 'requested')
  const written = await ControlLog.open(kafka, topics, options)
  assert.equal(written.releases.get(`shop/${release}`)?.state, 'requested')
  assert.equal(written.livePointer('shop'), undefined)
  await control.close()
  control = written
  releases = new Releases(control)
})

test('L1: the pointer, the release that becomes live and the one that was are one commit', async () => {
  const [first, second] = [await ready(), await ready()]
  const one = await releases.makeLive(first, {})
  const switched = releases.makeLive(second, {}, [[first, () => ({ state: 'standby' })]])
  // What comes while a switch is written finds it done.
  const seen = releases.update(second, ({ state }) => (state === 'live' ? { state } : undefined))
  const two = await switched
  assert.equal((await seen).state, 'live')
  assert.ok(two.epoch > one.epoch)
  const written = await ControlLog.open(kafka, topics, options)
  const states = [first, second].map(
    ({ release }) => written.releases.get(`shop/${release}`)?.state,
  )
  assert.deepEqual(states, ['standby', 'live'])
  assert.equal(written.livePointer('shop')?.release, second.release)
  await assert.rejects(releases.makeLive(first, {}, [[second, () => ({ state: 'standby' })]]), {
    code: 'fenced',
  })
  assert.equal(releases.live('shop')?.release, second.release)
  await control.close()
  control = written
  releases = new Releases(control)
})

function added() {
  return releases.add('shop', (release) =>
    releaseRecord({ application: 'shop', release, epoch: control.epoch }),
  )
}

async function ready() {
  const { application, release } = await added()
  for (const state of beforeLive.filter((each) => each !== 'requested' && each !== 'paused')) {
    await releases.update({ application, release }, () => ({ state }))
  }
  return { application, release }
}
