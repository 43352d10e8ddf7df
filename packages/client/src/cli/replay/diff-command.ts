import { type Command, exitCodes, type Io } from '../command.ts'
import { plainText } from '../plain-text.ts'
import { replayOptions, withReplayClient } from '../service-options.ts'
import { diffText, type Paint } from './render-diff.ts'
import { jsonOption } from './replay-options.ts'

export const diffCommand: Command = {
  name: 'diff',
  arguments: '<application>',
  argumentsMin: 1,
  argumentsMax: 1,
  summary: 'show what a replay of its folder would change: SQL, columns, keys, streams, datasets',
  options: { ...replayOptions, ...jsonOption },
  examples: ['kappa diff flights'],
  run: ({ positionals: [application = ''], options, io }) =>
    withReplayClient(options, io, async (client) => {
      const diff = await client.applications.diff(application)
      io.stdout.write(
        options.flag('json') ? `${JSON.stringify(diff)}\n` : diffText(diff, paintFor(io)),
      )
      const { problems = [] } = diff
      for (const problem of problems) io.stderr.write(`${plainText(problem)}\n`)
      return problems.length > 0 ? exitCodes.failed : exitCodes.done
    }),
}

const ansi = { removed: '31', added: '32' } as const

/** Colours on a terminal whose user has not said NO_COLOR (https://no-color.org). */
function paintFor({ stdout, env }: Io): Paint {
  if (stdout.isTTY !== true || env.NO_COLOR) return (text) => text
  return (text, change) => `\u001b[${ansi[change]}m${text}\u001b[0m`
}
