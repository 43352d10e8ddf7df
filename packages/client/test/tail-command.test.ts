import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { until } from '@kappa/test/until'
import { carrierHours, event, FakeResults, meta, refusal } from './fake-results.ts'
import { callKappa, type Finished } from './run-kappa.ts'

let fake: FakeResults
before(async () => {
  fake = await FakeResults.start()
})
afterEach(() => fake.reset())
after(() => fake.stop())

const time = '2013-01-01T05:00:00.000000Z'
const snapshot = event('snapshot', meta)
const current = event('current', meta, 'c')
const row = (carrier: string, more: string, id?: string) =>
  event(
    'row',
    `{"key":["${carrier}","${time}"],"row":{"carrier":"${carrier}","hour":"${time}",${more}}}`,
    id,
  )

/** Follows until the fake has no more streams, and then presses Ctrl-C. */
async function tail(...args: string[]): Promise<Finished> {
  fake.ok('GET /v1/views', { views: [carrierHours] })
  const scripts = fake.streams.length
  let interrupt: () => void = () => undefined
  const finished = callKappa(
    ['tail', 'flights/carrier_hours', ...args],
    { KAPPA_RESULTS_URL: fake.url },
    {
      onStart: (press) => {
        interrupt = press
      },
    },
  )
  await until(
    () => fake.resumedFrom.length,
    (opened) => opened === scripts,
  )
  // What the last stream wrote is on its way.
  setTimeout(interrupt, 200)
  return finished
}

test('tail: rows, changes and a switch, a line each; breaks are told once; Ctrl-C is no error', async () => {
  fake.streams.push(
    {
      write: [
        snapshot,
        row('UA', '"flights":9223372036854775807,"remark":null'),
        row('DL', '"flights":1.50,"remark":"a \\"b\\"\\u001b"'),
        current,
        row('UA', '"flights":8,"remark":"x"', 'd'),
        event('delete', { key: ['D,L', time] }, 'e'),
      ],
      end: 'cut',
    },
    refusal(503, 'rebuilding'),
    {
      write: [
        event('release', { from: 1, to: 2 }),
        row('AA', '"flights":1'),
        event('delete', { key: [null, 12] }),
      ],
      end: 'hang',
    },
  )
  const { code, stdout, stderr } = await tail('carrier.prefix=U', '--columns', 'flights,remark')
  assert.equal(
    stdout,
    `+ UA,${time}  flights=9223372036854775807 remark=
+ DL,${time}  flights=1.50 remark="a \\"b\\"\\u001b"
+ UA,${time}  flights=8 remark=x
- ["D,L","${time}"]
release 1 → 2
+ AA,${time}  flights=1
- [null,"12"]
`,
  )
  const [first = '', second = '', ...more] = stderr.split('\n')
  assert.equal(first, 'All rows of release 1, as of 2013-01-31 12:00:00, 1.2 s old:')
  assert.match(second, /did not answer: .*; it is tried again\.$/)
  assert.deepEqual([code, more], [0, ['']])
  const asked = '/v1/views/flights/carrier_hours/changes?carrier.prefix=U&columns=flights%2Cremark'
  assert.equal(fake.calls[1]?.path, asked)
  assert.deepEqual(fake.resumedFrom, [undefined, 'e', 'e'])
})

test('tail --json: each event as it came, to the last digit', async () => {
  const data = '{"key":[9223372036854775807],"row":{"flights":1.50}}'
  fake.streams.push({
    write: [snapshot, event('row', data), current, event('delete', '{"key":["a"]}', 'd')],
    end: 'hang',
  })
  const { code, stdout, stderr } = await tail('--json')
  assert.deepEqual(
    [code, stderr, stdout.split('\n')],
    [
      0,
      '',
      [
        `{"type":"snapshot","meta":${JSON.stringify(meta)}}`,
        `{"type":"row",${data.slice(1)}`,
        `{"type":"current","id":"c","meta":${JSON.stringify(meta)}}`,
        '{"type":"delete","id":"d","key":["a"]}',
        '',
      ],
    ],
  )
})

test('tail --no-snapshot: only what changes, also the difference of a switch', async () => {
  const write = [
    snapshot,
    row('UA', '"flights":1'),
    current,
    row('UA', '"flights":2', 'd'),
    event('release', { from: 1, to: 2 }),
    row('UA', '"flights":3'),
    snapshot,
    row('UA', '"flights":4'),
    // A switch may come before a snapshot has had an id.
    event('release', { from: 2, to: 3 }),
    row('UA', '"flights":5'),
    row('UA', '"flights":6', 'e'),
  ]
  fake.streams.push({ write, end: 'hang' })
  const { stdout } = await tail('--no-snapshot')
  assert.deepEqual(stdout.split('\n'), [
    `+ UA,${time}  flights=2`,
    'release 1 → 2',
    `+ UA,${time}  flights=3`,
    'release 2 → 3',
    `+ UA,${time}  flights=5`,
    `+ UA,${time}  flights=6`,
    '',
  ])
  fake.streams.push({ write, end: 'hang' })
  const json = await tail('--no-snapshot', '--json')
  const types = json.stdout.split('\n').map((line) => line && JSON.parse(line).type)
  assert.deepEqual(types, ['current', 'row', 'release', 'row', 'release', 'row', 'row', ''])
})

test('tail: what is wrong at the start is told at once, what does not pass ends it', async () => {
  fake.streams.push(refusal(503, 'rebuilding'))
  assert.equal((await tail()).code, 3)
  fake.reset()
  fake.streams.push(refusal(404, 'unknown_view'))
  assert.equal((await tail()).code, 2)
  fake.reset()
  fake.streams.push({ write: [current], end: 'cut' }, refusal(400, 'bad_filter'))
  const { code, stderr } = await tail()
  assert.deepEqual([code, /\(bad_filter\)/.test(stderr)], [2, true], stderr)
})
