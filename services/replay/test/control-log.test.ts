import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type PositionRecord, TopicNames } from '@kappa/applications/records'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import { testStack } from '@kappa/test/stack'
import { ControlLog } from '../control/control-log.ts'
import { PositionWriter } from '../control/position-writer.ts'
import { releaseRecord } from './release-record.ts'

const topics = new TopicNames('control-log')
const options = { replicationFactor: 1, timeoutMs: 30_000 }
let kafka: Kafka

before(async () => {
  kafka = await connectKafka({
    brokers: [testStack().kafkaBrokers],
    clientId: 'control-log',
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
  })
})
after(() => kafka?.close())

test('an opening that writes nothing more is told apart from the next, which fences it', async () => {
  const first = await ControlLog.open(kafka, topics, options)
  const record = releaseRecord({ application: 'shop', release: 1, epoch: first.epoch })
  await first.writeReleases([record])
  const second = await ControlLog.open(kafka, topics, options)
  const third = await ControlLog.open(kafka, topics, options)
  assert.ok(second.epoch > first.epoch, `${second.epoch} after ${first.epoch}`)
  assert.ok(third.epoch > second.epoch, `${third.epoch} after ${second.epoch}`)
  assert.deepEqual([...third.releases.values()], [{ ...record, epoch: third.epoch }])
  for (const fenced of [first, second]) {
    await assert.rejects(fenced.writeReleases([record]), { code: 'fenced' })
  }
  await third.close()
})

test('positions go on being written after a release without views has written none', async () => {
  const control = await ControlLog.open(kafka, topics, options)
  const writer = new PositionWriter(control)
  writer.write([])
  writer.write([position(1, control.epoch)])
  await writer.settled()
  writer.write([position(2, control.epoch)])
  await writer.settled()
  assert.deepEqual([...control.positions.values()], [position(2, control.epoch)])
  await control.close()
})

function position(batch: number, epoch: number): PositionRecord {
  return {
    application: 'shop',
    release: 1,
    view: 'orders',
    batch,
    epoch,
    sources: {},
    changelog: {},
    as_of: null,
    current_at: 0,
    complete: true,
    late_events: 0,
    undecodable_events: 0,
    counts_exact: true,
  }
}
