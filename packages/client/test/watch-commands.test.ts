import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, afterEach, before, test } from 'node:test'
import type { Io } from '../src/cli/command.ts'
import { watchToRest } from '../src/cli/replay/watch-run.ts'
import { ReplayClient } from '../src/replay-client.ts'
import type { ReplayStatus } from '../src/replay-status.ts'
import { FakeReplay } from './fake-replay.ts'
import {
  comparison,
  noonMs,
  replayProgress,
  replayStatus,
  viewComparison,
} from './replay-statuses.ts'
import { type CallOptions, callKappa, type Finished } from './run-kappa.ts'

let fake: FakeReplay
before(async () => {
  fake = await FakeReplay.start()
})
afterEach(() => fake.reset())
after(() => fake.stop())

const kappa = (args: readonly string[], options: CallOptions = {}): Promise<Finished> =>
  callKappa(args, { KAPPA_REPLAY_URL: fake.url }, options)

const request = (promote: 'if-equal' | 'manual' | 'always') => ({
  ...replayStatus().request,
  promote,
})
const progress = replayProgress()
const started = replayStatus({ state: 'requested' })
const running = replayStatus({ progress })
const equal = comparison('equal')
const different = comparison('different', [viewComparison({ verdict: 'different', changed: 1 })])

/** `kappa replay flights --watch` that sees these statuses in one stream. */
function watch(statuses: readonly ReplayStatus[], ...args: string[]): Promise<Finished> {
  fake.answers.set('POST /v1/replays', { status: 201, body: started })
  fake.stream(statuses, 'hang')
  return kappa(['replay', 'flights', '--watch', ...args])
}

test('replay --watch tells each state, then what became of it and what can be done', async () => {
  const { code, stdout, stderr } = await watch([
    started,
    replayStatus({ state: 'starting' }),
    running,
    running,
    replayStatus({ state: 'comparing' }),
    replayStatus({ state: 'ready', comparison: equal }),
  ])
  assert.deepEqual(
    [code, stderr.split('\n')],
    [
      0,
      [
        'flights-2 requested',
        'flights-2 starting',
        'flights-2 catching up: 42 %, 102,346 events/s, 17 s left, lag 1,713,000',
        'flights-2 comparing',
        'flights-2 ready',
        '',
      ],
    ],
  )
  assert.match(stdout, /^flights-2: flights is replayed from the earliest event into release 2/)
  assert.match(
    stdout,
    /\nflights-2 is ready: .*\n\nRelease 2 beside release 1, .*: nothing differs/,
  )
  assert.match(stdout, /\n {2}kappa promote flights-2 {2}makes it live\n/)
})

test('a watch goes on where a promotion follows by itself, and its end tells the exit code', async () => {
  const ready = (promote: 'if-equal' | 'manual' | 'always', more: Partial<ReplayStatus>) =>
    replayStatus({ state: 'ready', request: request(promote), ...more })
  const live = (promote: 'if-equal' | 'always') =>
    replayStatus({ state: 'live', request: request(promote), comparison: equal })
  const note = 'view carrier_hours did not reach the live release in time'
  const ends: [string, readonly ReplayStatus[], number][] = [
    ['promoted as equal', [ready('if-equal', { comparison: equal }), live('if-equal')], 0],
    ['promoted always', [ready('always', { comparison: different }), live('always')], 0],
    ['not promoted', [ready('if-equal', { comparison: different })], 1],
    ['tried again', [ready('if-equal', { comparison: equal, note }), live('if-equal')], 0],
    ['differs', [ready('manual', { comparison: different })], 1],
    ['not comparable', [ready('manual', { comparison: comparison('not_comparable') })], 1],
    ['nothing to compare with', [ready('manual', {})], 0],
    ['failed', [replayStatus({ state: 'failed', cause: 'no' })], 1],
    ['cancelled', [replayStatus({ state: 'cancelled' })], 1],
    ['paused', [replayStatus({ state: 'paused' })], 1],
    ['replaced since', [replayStatus({ state: 'standby' })], 0],
  ]
  for (const [name, statuses, expected] of ends) {
    fake.reset()
    const { code, stdout } = await watch([running, ...statuses])
    assert.equal(code, expected, `${name}: ${stdout}`)
    assert.ok(stdout.includes(`\n${statuses.at(-1)?.id} `), name)
  }
})

test('a promotion that does not come about is waited for within a bound, and told', async () => {
  const note = 'view carrier_hours did not reach the live release in time'
  const ready = replayStatus({
    state: 'ready',
    request: request('if-equal'),
    comparison: equal,
    note,
  })
  fake.stream([ready], 'close')
  fake.ok('GET /v1/replays/flights-2', ready)
  const told = { stdout: '', stderr: '' }
  const client = new ReplayClient({ url: fake.url })
  const io: Io = {
    stdin: Readable.from([]),
    stdout: { write: (text) => (told.stdout += text) },
    stderr: { write: (text) => (told.stderr += text) },
    env: {},
    onInterrupt: () => () => undefined,
  }
  const code = await watchToRest(client, 'flights-2', io, { json: false, promotionMsMax: 1 })
  client.close()
  assert.equal(code, 1)
  const lines = told.stdout.split('\n')
  assert.deepEqual(lines.slice(1, 3), [
    'It is to be made live (--promote if-equal), and is not yet.',
    note,
  ])
})

test('a watch goes on over a stream that is cut', async () => {
  fake.answers.set('POST /v1/replays', { status: 201, body: started })
  fake.stream([running], 'cut')
  const unavailable = { error: { code: 'stopping', message: 'it starts anew' } }
  fake.answers.set('GET /v1/replays/flights-2', [
    { status: 503, body: unavailable },
    { status: 200, body: running },
  ])
  fake.stream([replayStatus({ state: 'ready', comparison: equal })], 'hang')
  const { code, stderr } = await kappa(['replay', 'flights', '--watch'])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /flights-2 ready\n$/)
})

test('on a terminal the line is drawn in place, with a bar where there is room for one', async () => {
  const drawn = async (columns: number) => {
    fake.reset()
    fake.answers.set('POST /v1/replays', { status: 201, body: started })
    fake.stream([running, replayStatus({ state: 'ready', comparison: equal })], 'hang')
    const { stderr } = await kappa(['replay', 'flights', '--watch'], { columns })
    return stderr.split('\r\u001b[K')
  }
  const line = 'flights-2 catching up: 42 %, 102,346 events/s, 17 s left, lag 1,713,000'
  assert.deepEqual(await drawn(120), ['', `[#######.........] ${line}`, 'flights-2 ready', ''])
  assert.deepEqual(await drawn(80), ['', `[##...] ${line}`, 'flights-2 ready', ''])
  assert.deepEqual(await drawn(60), ['', line.slice(0, 59), 'flights-2 ready', ''])
})

test('--json --watch is a line for each change, and nothing else', async () => {
  const ready = replayStatus({ state: 'ready', comparison: equal })
  const { code, stdout, stderr } = await watch([running, running, ready], '--json')
  assert.deepEqual([code, stderr], [0, ''])
  const lines = stdout.trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [running, ready],
  )
})

test('Ctrl-C ends the watching, not the replay, and says so', async () => {
  fake.ok('GET /v1/replays/flights-2', running)
  fake.stream([running], 'hang')
  let interrupt: () => void = assert.fail
  const watching = kappa(['replays', 'flights-2', '--watch'], {
    onStart: (given) => {
      interrupt = given
    },
  })
  const timer = setInterval(() => {
    if (fake.asked.includes('GET /v1/replays/flights-2/events')) interrupt()
  }, 10)
  const { code, stderr, stdout } = await watching
  clearInterval(timer)
  assert.deepEqual([code, stdout], [130, ''])
  assert.match(
    stderr,
    /flights-2 goes on without being watched\. kappa replays flights-2 --watch watches it again, kappa cancel flights-2 ends it\.\n$/,
  )
  assert.deepEqual(
    fake.calls.filter(({ method }) => method !== 'GET'),
    [],
  )
})

test('compare --watch waits for what is found now, not for what was found before', async () => {
  const before = replayStatus({ state: 'ready', comparison: equal })
  fake.ok('GET /v1/replays/flights-2', before)
  fake.ok('POST /v1/replays/flights-2/compare', before)
  const now = { ...different, compared_at: noonMs + 60_000 }
  fake.stream(
    [
      before,
      replayStatus({ state: 'comparing', comparison: equal }),
      { ...before, comparison: now },
    ],
    'hang',
  )
  const declared = ['--expect-columns=carrier_hours.delayed', '--unsettled-rows-max=5']
  const { code, stdout } = await kappa(['compare', 'flights-2', '--watch', ...declared])
  assert.deepEqual(fake.calls.find(({ method }) => method === 'POST')?.body, {
    expected: { views: { carrier_hours: { columns: ['delayed'] } } },
    unsettled_rows_max: 5,
  })
  assert.equal(code, 1)
  assert.match(stdout, /compared at 2026-01-31 12:01:00: rows differ/)

  fake.stream([before, { ...before, comparison: { ...equal, compared_at: noonMs + 1 } }], 'hang')
  assert.equal((await kappa(['compare', 'flights-2', '--watch'])).code, 0)
})

test('replays: a list, one in full, and a list that is watched until nothing goes on', async () => {
  const ready = replayStatus({ state: 'ready', comparison: different })
  fake.ok('GET /v1/replays', { replays: [running] }, { replays: [ready] })
  const { code, stdout } = await kappa(['replays', '--watch'], { columns: 80 })
  assert.equal(code, 0)
  const [, header, rest] = stdout.replaceAll('\u001b', 'ESC').split('\rESC[')
  assert.match(header ?? '', /^Kid +state +done .*\nflights-2 {2}catching up {2}42 % [^\n]*$/)
  assert.match(rest ?? '', /^1AESC\[Jid .*\nflights-2 {2}ready .* different .*\n$/)

  fake.ok('GET /v1/replays/flights-2', ready)
  const one = await kappa(['replays', 'flights-2'])
  assert.equal(one.code, 0)
  assert.match(one.stdout, /^flights-2: flights is replayed .*\n\nflights-2 is ready: /)
  fake.ok('GET /v1/replays?application=flights', { replays: [ready] })
  const listed = await kappa(['replays', 'flights', '--json'])
  assert.deepEqual(JSON.parse(listed.stdout), [ready])
})
