import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { askPython } from '@kappa/test/python'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { delay } from './fixture.ts'
import { Installation, type PublishReply } from './rejected-fixture.ts'

const clients = 4
const requestsPerClient = 60
const eventsPerRequest = 25
const lives = 4
const requestMsMax = 120_000

interface LogRecord {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly value: string
}

/** The topic as librdkafka reads it. */
function readByOther(topic: string): Promise<LogRecord[]> {
  return askPython('read_records', { brokers: testStack().kafkaBrokers, topic })
}

/** One in five is wrong, each in one of three ways. */
function event(number: number): { readonly event_id: string } {
  const right = delay({ event_id: `sent-${number}`, tail_number: `N${number % 50}` })
  if (number % 5 !== 2) return right
  const ways = [{ delay_minutes: 'x' }, { undeclared: 1 }, { departed_at: Date.now() + 1e9 }]
  return { ...right, ...ways[number % 3] }
}
const codes = ['wrong_type', 'unknown_field', 'from_the_future']

test('P3: over several lives of ingest every event that was sent is in the log or in the rejected topic with its reason', async (t) => {
  const installation = new Installation()
  const topic = installation.topic('audit')
  let life = await installation.startProcess(['audit'])
  let answered = 0
  let resent = 0
  const accepted = new Set<string>()
  const rejections = new Map<string, string>()

  /** Sends until it is told what became of each event. */
  const send = async (events: readonly { readonly event_id: string }[]) => {
    const deadline = Date.now() + requestMsMax
    for (;;) {
      const reply = await life.instance.publish('audit', events).catch((error: Error) => error)
      if (!(reply instanceof Error) && reply.status < 429) return note(events, reply)
      assert.ok(Date.now() < deadline, 'ingest came up again')
      resent++
      await wait(50)
    }
  }
  const note = (events: readonly { readonly event_id: string }[], { body }: PublishReply) => {
    for (const [index, result] of (body.results ?? []).entries()) {
      const { event_id } = events[index] as { event_id: string }
      if (result.status === 'accepted') accepted.add(event_id)
      else rejections.set(result.rejection ?? '', event_id)
    }
    answered++
  }
  const sending = Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let request = 0; request < requestsPerClient; request++) {
        const first = (client * requestsPerClient + request) * eventsPerRequest
        await send(Array.from({ length: eventsPerRequest }, (_, n) => event(first + n)))
      }
    }),
  )
  try {
    const requests = clients * requestsPerClient
    for (let kill = 1; kill < lives; kill++) {
      await until(
        async () => answered,
        (count) => count >= (kill * requests) / lives,
        requestMsMax,
      )
      await life.process.kill()
      life = await installation.startProcess(['audit'])
    }
    await sending

    const log = await readByOther(topic)
    const kept = await readByOther(`${installation.namespace}.rejected`)
    const inLog = new Set(log.map(({ headers }) => headers['kappa-id']))
    const reasons = new Map<string, string>()
    for (const { headers, value } of kept) {
      const { event_id } = JSON.parse(Buffer.from(value, 'base64').toString())
      reasons.set(event_id, JSON.parse(headers['kappa-rejection'] ?? '{}').error.code)
    }
    const sent = requests * eventsPerRequest
    t.diagnostic(
      `${sent} events sent in ${requests} requests over ${lives} lives, ${resent} times again: ` +
        `${accepted.size} acknowledged, ${inLog.size} in the log (${log.length} records), ` +
        `${reasons.size} rejected (${kept.length} records), ${rejections.size} rejections answered`,
    )
    for (let number = 0; number < sent; number++) {
      const id = `sent-${number}`
      const wrong = number % 5 === 2
      assert.equal(inLog.has(id), !wrong, id)
      assert.equal(reasons.get(id), wrong ? codes[number % 3] : undefined, id)
      if (!wrong) assert.ok(accepted.has(id), id)
    }
    assert.equal(inLog.size + reasons.size, sent)
    const keys = new Set(kept.map(({ key }) => key))
    for (const id of rejections.keys()) assert.ok(keys.has(id), 'what was answered is kept')
    assert.ok(resent > 0, 'the kills were felt')

    const metric = (name: string) => life.instance.metric(`kappa_ingest_${name}`, 'audit')
    assert.equal(
      await metric('events_received_total'),
      (await metric('events_accepted_total')) +
        (await metric('events_rejected_total')) +
        (await metric('events_refused_total')) +
        (await metric('events_unknown_total')) +
        (await metric('events_in_flight')),
    )
    assert.equal(
      await metric('events_rejected_total'),
      (await metric('rejections_kept_total')) + (await metric('rejections_discarded_total')),
    )
  } finally {
    await life.process.stop()
  }
})
