import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { decode, delay, readLog, TestIngest } from '@kappa/ingest/test/fixture'
import { until } from '@kappa/test/until'
import { exitCodes } from '../src/cli/command.ts'
import { Client } from '../src/client.ts'
import { ApiError } from '../src/errors.ts'
import { callKappa, type Finished, scratchFolder } from './run-kappa.ts'

const labels = ['one', 'many', 'dismissed', 'sdk']
let ingest: TestIngest
before(async () => {
  ingest = await TestIngest.start(labels)
  // It publishes at once, and lists when it has read what was rejected before.
  await until(
    () => kappa('list'),
    ({ code }) => code !== exitCodes.unavailable,
  )
})
after(() => ingest?.stop())

const kappa = (...args: string[]): Promise<Finished> =>
  callKappa(['rejected', ...args], { KAPPA_INGEST_URL: ingest.url })

/** Publishes events whose delay is text, which is wrong, and returns where they are kept. */
async function reject(label: string, ids: readonly string[]): Promise<string[]> {
  const { delay_minutes, ...rest } = delay()
  const events = ids.map((event_id) => ({
    ...rest,
    event_id,
    delay_minutes: String(delay_minutes),
  }))
  const { body } = await ingest.publish(label, events)
  return body.results.map((result) => (result as unknown as { rejection: string }).rejection)
}

const fix = '[{"op":"replace","path":"/delay_minutes","value":7}]'

test('a rejected event is listed, shown, fixed with a patch and in the log, once', async () => {
  const [id = ''] = await reject('one', ['fixed'])
  const topic = ingest.topic('one')
  const listed = await kappa('list', '--topic', topic)
  assert.equal(listed.code, 0, listed.stderr)
  const [header = '', row = ''] = listed.stdout.split('\n')
  assert.match(header, /^id +received +topic +code +state$/)
  assert.match(row, new RegExp(`^${id} +20\\d\\d-.* ${topic} +wrong_type +open$`))
  const shown = JSON.parse((await kappa('show', id)).stdout)
  assert.equal(shown.error.path, '$.delay_minutes')
  assert.equal(shown.payload.value.event_id, 'fixed')

  const unfixed = await kappa('resubmit', id)
  assert.deepEqual([unfixed.code, /still_rejected/.test(unfixed.stderr)], [1, true], unfixed.stderr)
  const resubmitted = await kappa('resubmit', id, '--patch', fix)
  assert.equal(resubmitted.code, 0, resubmitted.stderr)
  assert.match(resubmitted.stdout, /is in the log: .*offset 0\n/)
  assert.match((await kappa('resubmit', id, '--patch', fix)).stdout, /is already in the log/)
  assert.deepEqual(
    (await readLog(topic)).map((record) => decode(record).delay_minutes),
    [7],
  )
  const [, none] = (await kappa('list', '--topic', topic)).stdout.split('\n')
  assert.equal(none, '')
})

test('all that match are fixed in one call, with a patch from a file', async () => {
  await reject('many', ['a', 'b', 'c'])
  const topic = ingest.topic('many')
  const patch = join(scratchFolder(), 'fix.json')
  await writeFile(patch, fix)
  const { code, stdout, stderr } = await kappa(
    'resubmit',
    '--all',
    '--topic',
    topic,
    '--patch',
    `@${patch}`,
  )
  assert.deepEqual([code, stdout], [0, '3 resubmitted, 0 still rejected\n'], stderr)
  assert.deepEqual((await readLog(topic)).map((record) => decode(record).event_id).sort(), [
    'a',
    'b',
    'c',
  ])
})

test('dismissed events are no longer open', async () => {
  const [id = ''] = await reject('dismissed', ['a', 'b', 'c'])
  const topic = ingest.topic('dismissed')
  assert.equal((await kappa('dismiss', id)).stdout, '1 dismissed\n')
  assert.equal((await kappa('dismiss', '--all', '--topic', topic)).stdout, '2 dismissed\n')
  const listed = await kappa(
    'list',
    '--topic',
    topic,
    '--state',
    'dismissed',
    '--json',
    '--limit',
    '2',
  )
  assert.equal(listed.stdout.trimEnd().split('\n').length, 2)
  assert.match(listed.stderr, /There are more/)
})

test('usage: an id or --all, never both, never neither', async () => {
  for (const args of [
    ['resubmit'],
    ['dismiss'],
    ['resubmit', 'x', '--all'],
    ['dismiss', 'x', '--topic', 't'],
  ]) {
    assert.equal((await kappa(...args)).code, 2, args.join(' '))
  }
  const unknown = await kappa('show', 'nothing')
  assert.deepEqual(
    [unknown.code, /unknown_rejection/.test(unknown.stderr)],
    [2, true],
    unknown.stderr,
  )
})

test('SDK: topics and rejected events with their types', async () => {
  const client = new Client({ url: ingest.url })
  try {
    const topics = (await client.topics.list()).map(({ topic }) => topic)
    assert.ok(topics.includes(ingest.topic('sdk')))
    const [id = ''] = await reject('sdk', ['x'])
    const payload = delay({ event_id: 'x' })
    const { event, repeated } = await client.rejected.resubmit(id, { payload })
    assert.deepEqual([event.id, repeated], ['x', false])
    await assert.rejects(client.rejected.get('nothing'), (error) => {
      assert.ok(error instanceof ApiError)
      assert.deepEqual([error.status, error.code], [404, 'unknown_rejection'])
      return true
    })
  } finally {
    client.close()
  }
})

test('topics are listed with their versions and fields', async () => {
  const { code, stdout } = await callKappa(['topics', '--url', ingest.url])
  assert.equal(code, 0)
  const row = stdout.split('\n').find((line) => line.startsWith(ingest.topic('one')))
  assert.match(row ?? '', / 1 +tail_number +event_id +departed_at$/)
})
