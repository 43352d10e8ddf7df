import type { Command } from './command.ts'

const intro =
  'kappa: publish events, check contracts, work with rejected events, query and follow views, replay and switch releases'

const exitCodesText = `Exit codes:
  0    done: every event accepted, no problem found, nothing differs that was not declared
  1    events were rejected, contracts have problems, a replay was refused, stopped or failed,
       a comparison differs, a release was not switched, no row has the key
  2    the command line or the input is wrong
  3    a service could not be reached, gave up, or is not able to
  130  interrupted by Ctrl-C; it says where to go on, or what goes on without it
  141  what reads the output has gone, as head does`

/** What `kappa --help` prints. */
export function generalHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, arguments: args, summary }) => [
    `kappa ${name} ${args}`.trim(),
    summary,
  ])
  return `${intro}

Commands:
${table(rows)}

Run kappa <command> --help for its options. KAPPA_INGEST_URL names ingest
(default http://127.0.0.1:4001), KAPPA_REPLAY_URL replay (default http://127.0.0.1:4002) and
KAPPA_RESULTS_URL results (default http://127.0.0.1:4003), as --url does.

${exitCodesText}
`
}

/** What `kappa <command> --help` prints. */
export function commandHelp(command: Command): string {
  const options = Object.entries(command.options).map(([name, { short, value, summary }]) => [
    `${short === undefined ? '   ' : `-${short},`} --${name}${value === undefined ? '' : ` ${value}`}`,
    summary,
  ])
  const parts = [`Usage: kappa ${command.name} ${command.arguments} [options]`, command.summary]
  if (command.description !== undefined) parts.push(command.description)
  parts.push(`Options:\n${table(options)}`)
  if (command.examples !== undefined) {
    parts.push(`Examples:\n${command.examples.map((example) => `  ${example}`).join('\n')}`)
  }
  parts.push(exitCodesText)
  return `${parts.join('\n\n')}\n`
}

function table(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([left = '']) => left.length))
  return rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}
