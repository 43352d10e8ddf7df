import type { ReplayClient } from '../../replay-client.ts'
import type { ReplayRequest } from '../../replay-status.ts'
import { type Command, exitCodes, type Io } from '../command.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { fromText, planText } from './render-plan.ts'
import { startText } from './render-summary.ts'
import { dryRunOption, jsonOption, watchOption } from './replay-options.ts'
import { readReplayRequest, requestOptions } from './replay-request.ts'
import { watchToRest } from './watch-run.ts'

export const replayCommand: Command = {
  name: 'replay',
  arguments: '<application>',
  argumentsMin: 1,
  argumentsMax: 1,
  summary: 'build a new release from the log, beside the live one',
  description: `What the application's folder says now is run over the log, in a cluster of its own; readers go on
with the live release. When it has caught up, its rows are compared with the live ones. With --watch
it tells all that, and ends when the replay is ready, live, paused, cancelled or failed; Ctrl-C ends
the watching, not the replay.`,
  options: {
    ...replayOptions,
    ...requestOptions,
    'idempotency-key': {
      type: 'string',
      value: '<key>',
      summary: 'asking again with the same key starts nothing anew',
    },
    ...dryRunOption,
    ...watchOption,
    ...jsonOption,
  },
  examples: [
    'kappa replay flights --dry-run',
    'kappa replay flights --watch --promote if-equal --expect-columns carrier_hours.delayed',
    'kappa replay flights --from 2026-01-31T00:00:00Z --carry',
    `kappa replay flights --expect-where "carrier_hours: hour < TIMESTAMP '2026-02-01 00:00:00'"`,
  ],
  run: ({ positionals: [application = ''], options, io }) => {
    const request = readReplayRequest(application, options)
    const json = options.flag('json')
    return withReplayClient(options, io, async (client) => {
      if (options.flag('dry-run')) return dryRun(client, request, io, json)
      const key = options.text('idempotency-key')
      const { replay, repeated } = await client.replays.create(
        request,
        key === undefined ? {} : { idempotencyKey: key },
      )
      const watch = options.flag('watch')
      if (json && !watch) io.stdout.write(`${JSON.stringify(replay)}\n`)
      if (!json) {
        if (repeated) io.stderr.write(`${replay.id} was asked for before with this key.\n`)
        io.stdout.write(startText(replay))
      }
      if (watch) return watchToRest(client, replay.id, io, { json })
      if (!json) io.stdout.write(`kappa replays ${replay.id} --watch tells how it goes on.\n`)
      return exitCodes.done
    })
  },
}

async function dryRun(
  client: ReplayClient,
  request: ReplayRequest,
  io: Io,
  json: boolean,
): Promise<number> {
  const answer = await client.replays.dryRun(request)
  const { application, release, replaces, plan, problems } = answer
  if (json) io.stdout.write(`${JSON.stringify(answer)}\n`)
  else {
    const from = fromText(request.from ?? 'earliest')
    const beside = replaces === null ? '' : `, beside release ${replaces}`
    const what = `${application} would be replayed from ${from} into release ${release}${beside}.`
    io.stdout.write(`${what}\n${planText(plan)}`)
    for (const { code, message } of problems) io.stderr.write(`Refused: ${message} (${code})\n`)
  }
  return problems.length > 0 ? exitCodes.failed : exitCodes.done
}
