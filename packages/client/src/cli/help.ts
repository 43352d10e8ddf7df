import type { Command } from './command.ts'

const intro = 'kappa: publish events, check contracts, work with rejected events'

const exitCodesText = `Exit codes:
  0    done: every event accepted, no problem found
  1    some events were rejected or not resubmitted, or contracts have problems
  2    the command line or the input is wrong
  3    ingest could not be reached, gave up, or refused
  130  interrupted by Ctrl-C; what was read is settled, and it says where to go on`

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
(default http://127.0.0.1:4001), as --url does.

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
