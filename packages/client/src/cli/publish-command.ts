import { type Command, exitCodes, type Io, UsageError } from './command.ts'
import { count } from './figures.ts'
import { InputError } from './input/input-item.ts'
import { openInput, showName } from './input/open-input.ts'
import { Progress } from './progress.ts'
import { type PublishOutcome, PublishRun } from './publish-run.ts'
import {
  type PublishSettings,
  publishOptionSpecs,
  readPublishSettings,
} from './publish-settings.ts'

export const publishCommand: Command = {
  name: 'publish',
  arguments: '<topic> [file|-]',
  argumentsMin: 1,
  argumentsMax: 2,
  summary: 'publish the events of a file or of standard input',
  description: `The input is NDJSON, JSON (an array, or objects one after the other) or CSV whose header names
fields of the contract; gzip and zstd are told by what they hold. It is read as a stream: its size
does not matter. An empty CSV cell is the field's default, or null.

What fails on the way is sent again, with the same ids. Where the contract names an id field, a whole
file may be published again: each event counts once. Rejected events go to a file, one a line:
{"line", "error": {"code", "message", "path"}, "rejection", "event"}.`,
  options: publishOptionSpecs,
  examples: [
    'kappa publish flights.departures departures.ndjson',
    'zstdcat departures.csv.zst | kappa publish flights.departures - --format csv',
    'kappa publish flights.departures 2013.csv.gz --mode import --disorder "1 hour"',
  ],
  async run(input) {
    const settings = readPublishSettings(input)
    try {
      return await publish(settings, input.io)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      throw new UsageError(error.message, { cause: error })
    }
  },
}

async function publish(settings: PublishSettings, io: Io): Promise<number> {
  const run = await PublishRun.prepare(settings)
  const input = await openInput(settings.file, io.stdin, settings.format)
  const interrupts: NodeJS.Signals[] = []
  const ignore = io.onInterrupt((signal) => {
    if (interrupts.push(signal) > 1) run.giveUp()
    else run.interrupt(input)
  })
  const progress = settings.quiet
    ? undefined
    : new Progress(io.stderr, () => ({
        share: input.size === undefined ? undefined : input.bytesRead() / Math.max(1, input.size),
        ...run.counts,
      }))
  let outcome: PublishOutcome
  try {
    outcome = await run.publish(input)
  } finally {
    progress?.end()
    ignore()
  }
  tell(outcome, settings, io)
  return outcome.exitCode
}

function tell(outcome: PublishOutcome, settings: PublishSettings, io: Io): void {
  const { accepted, rejected, failed, seconds, stopped, exitCode } = outcome
  const rate = Math.round((accepted + rejected) / Math.max(seconds, 0.001))
  const rejectedFile = rejected > 0 ? settings.rejectedFile : undefined
  if (settings.json) {
    const { topic, file } = settings
    const summary = { topic, file, accepted, rejected, failed, seconds, events_per_second: rate }
    const more = { rejected_file: rejectedFile, stopped, exit_code: exitCode }
    io.stdout.write(`${JSON.stringify({ ...summary, ...more })}\n`)
  } else if (!settings.quiet) {
    const told = `${count(accepted)} accepted, ${count(rejected)} rejected`
    io.stdout.write(
      `${settings.topic}: ${told} in ${seconds.toFixed(1)} s (${count(rate)} events/s)\n`,
    )
  }
  if (rejectedFile !== undefined && !settings.json) {
    const { firstRejected } = outcome
    io.stderr.write(`Rejected events with their reasons: ${rejectedFile}\n`)
    if (firstRejected !== undefined) io.stderr.write(`The first: ${firstRejected}\n`)
  }
  if (stopped === undefined) return
  io.stderr.write(`Stopped: ${stopped.message} (${stopped.code})\n`)
  const sure =
    stopped.code === 'input' ? '' : ` ${count(failed)} events were read and not acknowledged.`
  io.stderr.write(
    `Everything before line ${stopped.line} of ${showName(settings.file)} is settled.${sure}${exitCode === exitCodes.usage ? '' : ` Go on with --from-line ${stopped.line}.`}\n`,
  )
}
