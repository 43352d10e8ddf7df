import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../src/cli/command.ts'
import { parseArguments } from '../src/cli/parse-arguments.ts'
import { replayCommand } from '../src/cli/replay/replay-command.ts'
import { readReplayRequest } from '../src/cli/replay/replay-request.ts'

const read = (...args: string[]) => {
  const { positionals, options } = parseArguments(replayCommand, ['flights', ...args])
  return readReplayRequest(positionals[0] ?? '', options)
}

test('a replay without options is asked for by its application alone', () => {
  assert.deepEqual(read(), { application: 'flights' })
  assert.deepEqual(read('--from', 'earliest'), { application: 'flights', from: 'earliest' })
})

test('every option is where the service reads it; what may be repeated adds up', () => {
  const args = `--from 2026-01-31T00:00:00+02:00 --carry --accept-partial --promote if-equal
    --expect-columns a.x,a.y --expect-columns b.z --expect-tolerance a.x=1e-3,b.z=0
    --expect-added new --expect-removed old,older --unsettled-rows-max 0
    --events-per-second-max 5000 --cores 4 --memory 2g --executors 3`.split(/\s+/)
  const conditions = ["a: carrier = 'UA' AND hour < '12:00'", ' b : x.y > 1']
  const request = read(
    ...args,
    ...conditions.flatMap((condition) => ['--expect-where', condition]),
    '--keep-warm-for=1 hour',
    '--watermark-slack=30 minutes',
    '--retain-for=7 days',
  )
  assert.deepEqual(request, {
    application: 'flights',
    from: { timestamp: '2026-01-31T00:00:00+02:00' },
    carry: true,
    accept_partial: true,
    promote: 'if-equal',
    expected: {
      views: {
        a: {
          columns: ['x', 'y'],
          where: "carrier = 'UA' AND hour < '12:00'",
          tolerance: { x: 0.001 },
        },
        b: { columns: ['z'], where: 'x.y > 1', tolerance: { z: 0 } },
      },
      added_views: ['new'],
      removed_views: ['old', 'older'],
    },
    unsettled_rows_max: 0,
    events_per_second_max: 5_000,
    spark: { cores: 4, memory: '2g', executors: 3 },
    keep_warm_for: '1 hour',
    retain_for: '7 days',
    watermark_slack: '30 minutes',
  })
})

test('a wrong option is told with its name, what it got and how it is written', () => {
  const wrong: [string[], RegExp][] = [
    [['--from', '2026-01-31'], /--from is earliest or a time with its zone.*got "2026-01-31"/],
    [['--from', '2026-01-31T00:00:00'], /zone/],
    [['--from', '2026-13-31T00:00:00Z'], /zone/],
    [['--carry'], /--carry goes with --from <time>/],
    [['--carry', '--from', 'earliest'], /--carry goes with --from <time>/],
    [['--promote', 'yes'], /--promote is if-equal or manual or always, got "yes"/],
    [['--expect-columns', 'delayed'], /--expect-columns is written as view\.column, got "delayed"/],
    [['--expect-columns', 'a.'], /view\.column/],
    [['--expect-where', "carrier = 'UA'"], /--expect-where is written as view: condition/],
    [['--expect-where', 'a: x', '--expect-where', 'a: y'], /twice for a.*OR/],
    [['--expect-tolerance', 'a.x=2'], /0 to 1, got "2"/],
    [['--expect-tolerance', 'x=0.1'], /view\.column=0\.001/],
    [['--keep-warm-for', 'an hour'], /--keep-warm-for: expected a duration/],
    [['--events-per-second-max', '0'], /whole number from 1/],
    [['--expect-column', 'a.x'], /unknown option --expect-column.*--expect-columns/],
  ]
  for (const [args, message] of wrong) {
    assert.throws(
      () => read(...args),
      (error) => error instanceof UsageError && message.test(error.message),
      args.join(' '),
    )
  }
})
