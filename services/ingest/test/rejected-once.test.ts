import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API, ResponseDroppingProxy } from '@kappa/test/faults/response-dropping-proxy'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { delay, readLog } from './fixture.ts'
import { Installation, type Instance, type Reply, type Resubmitted } from './rejected-fixture.ts'

const wrong = () => ({ ...delay(), delay_minutes: 'seven' })
const fix = (minutes: number) => ({
  patch: [{ op: 'replace', path: '/delay_minutes', value: minutes }],
})

/** What views count: events that differ in their id, their time or anything else. */
async function counted(installation: Installation, label: string) {
  const log = await readLog(installation.topic(label))
  const distinct = new Set(
    log.map(({ headers, value }) => `${headers['kappa-id']} ${value?.toString('hex')}`),
  )
  return { records: log.length, distinct: distinct.size }
}

/** Both instances are asked to resubmit each rejection at the same moment. */
function race(one: Instance, other: Instance, ids: readonly string[], fixes: [object, object]) {
  return Promise.all(
    ids.map((id) => Promise.all([one.resubmit(id, fixes[0]), other.resubmit(id, fixes[1])])),
  )
}

const outcomeOf = ({ status, body }: Reply<Resubmitted>) =>
  status === 200 ? 'resubmitted' : body.error.code

test('two instances that resubmit the same at once: each event counts once, whatever they change', async (t) => {
  const installation = new Installation({ KAPPA_INGEST_REJECTED_CALLS_MAX: '100' })
  const labels = ['same', 'different']
  const one = await installation.start(labels)
  const other = await installation.start(labels)
  try {
    for (const [label, fixes] of [
      ['same', [fix(7), fix(7)]],
      ['different', [fix(7), fix(8)]],
    ] as const) {
      const ids = await Promise.all(Array.from({ length: 40 }, () => one.reject(label, wrong())))
      const answers = await race(one, other, ids, [...fixes])
      const pairs = answers.map((pair) => pair.map(outcomeOf).toSorted())
      for (const pair of pairs) {
        if (label === 'same') assert.deepEqual(pair, ['resubmitted', 'resubmitted'])
        else assert.match(pair.join(), /^(already_resubmitted|resubmit_pending),resubmitted$/)
      }
      const { records, distinct } = await counted(installation, label)
      assert.equal(distinct, ids.length)
      t.diagnostic(`${label}: ${ids.length} events, ${records} records, ${distinct} count`)
      for (const id of ids) assert.equal((await other.read(id)).state, 'resubmitted')
    }
  } finally {
    await Promise.all([one.stop(), other.stop()])
  }
})

for (const { when, answered, inLog } of [
  { when: 'before the event is published', answered: 0, inLog: 0 },
  { when: 'between publishing the event and writing it down', answered: 1, inLog: 1 },
]) {
  test(`a resubmit that is killed ${when} can be finished, and counts once`, async () => {
    const installation = new Installation()
    const proxy = await ResponseDroppingProxy.start(testStack().kafkaBrokers)
    const environment = { KAPPA_KAFKA_BROKERS: proxy.address }
    const { instance, process } = await installation.startProcess(['once'], { environment })
    const other = await installation.start(['once'])
    try {
      const id = await instance.reject('once', wrong())
      // First it is written what will be published, then the event, then that it was published.
      proxy.dropNext(API.produce, 'silence', answered)
      const cut = instance.resubmit(id, fix(7)).catch((error: Error) => error)
      await until(
        async () => proxy.dropped,
        (dropped) => dropped === 1,
      )
      await process.kill()
      assert.ok((await cut) instanceof Error, 'nobody was told how it ended')
      assert.equal((await counted(installation, 'once')).records, inLog)

      assert.equal((await other.read(id)).state, 'resubmitting')
      const different = await other.resubmit(id, fix(8))
      assert.deepEqual([different.status, different.body.error.code], [409, 'resubmit_pending'])
      const finished = await other.resubmit(id)
      assert.deepEqual([finished.status, finished.body.repeated], [200, false])
      assert.equal((await other.resubmit(id, fix(7))).body.repeated, true)
      assert.deepEqual(await counted(installation, 'once'), { records: inLog + 1, distinct: 1 })
      assert.equal((await other.read(id)).state, 'resubmitted')
    } finally {
      await other.stop()
      await process.stop()
      await proxy.stop()
    }
  })
}

test('while Kafka does not confirm it is said that the outcome is unknown, and the same call is right again', async () => {
  const installation = new Installation({
    KAPPA_INGEST_DELIVERY_TIMEOUT_MS: '1500',
    KAPPA_KAFKA_REQUEST_TIMEOUT_MS: '1000',
  })
  const proxy = await ResponseDroppingProxy.start(testStack().kafkaBrokers)
  const ingest = await installation.start(['lost'], {
    environment: { KAPPA_KAFKA_BROKERS: proxy.address },
  })
  try {
    const id = await ingest.reject('lost', wrong())
    for (let n = 0; n < 20; n++) proxy.dropNext(API.produce, 'close', n === 0 ? 1 : 0)
    const lost = await ingest.resubmit(id, fix(7))
    assert.deepEqual([lost.status, lost.body.error.code], [503, 'outcome_unknown'])
    await proxy.stop()
    const down = await ingest.resubmit(id, fix(7))
    assert.deepEqual([down.status, down.body.error.code], [503, 'kafka_unavailable'])
    const publishing = await ingest.publish('lost', wrong())
    assert.deepEqual([publishing.status, publishing.body.error.code], [503, 'outcome_unknown'])
    await proxy.restart()
    await until(
      () => ingest.resubmit(id, fix(7)),
      ({ status }) => status === 200,
    )
    assert.equal((await counted(installation, 'lost')).distinct, 1)
    assert.equal((await ingest.read(id)).state, 'resubmitted')
  } finally {
    await ingest.stop()
    await proxy.stop()
  }
})
