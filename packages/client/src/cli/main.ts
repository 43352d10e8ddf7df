import { suggest } from '@kappa/contracts/suggest'
import { ApiError, ConnectionError } from '../errors.ts'
import { type Command, exitCodes, type Io, UsageError } from './command.ts'
import { checkContractsCommand, typesCommand } from './contracts-commands.ts'
import { detailLines } from './detail-lines.ts'
import { commandHelp, generalHelp } from './help.ts'
import { parseArguments } from './parse-arguments.ts'
import { plainText } from './plain-text.ts'
import { publishCommand } from './publish-command.ts'
import {
  dismissRejectedCommand,
  listRejectedCommand,
  resubmitRejectedCommand,
  showRejectedCommand,
} from './rejected-commands.ts'
import { replayCommands } from './replay/commands.ts'
import { listTopicsCommand } from './topics-command.ts'
import { viewCommands } from './views/commands.ts'

const commands: readonly Command[] = [
  publishCommand,
  listTopicsCommand,
  checkContractsCommand,
  typesCommand,
  listRejectedCommand,
  showRejectedCommand,
  resubmitRejectedCommand,
  dismissRejectedCommand,
  ...viewCommands,
  ...replayCommands,
]

/** Runs one call of `kappa`. @returns the exit code */
export async function runKappa(args: readonly string[], io: Io): Promise<number> {
  const command = commands.find(({ name }) => startsWith(args, name.split(' ')))
  const end = args.indexOf('--')
  const asksForHelp = args
    .slice(0, end < 0 ? args.length : end)
    .some((arg) => arg === '--help' || arg === '-h')
  if (command === undefined) {
    if (asksForHelp || args.length === 0 || args[0] === 'help') {
      io.stdout.write(generalHelp(commands.filter(({ name }) => isBelow(name, args))))
      return args.length === 0 ? exitCodes.usage : exitCodes.done
    }
    io.stderr.write(`kappa: ${unknownCommand(args)}\nkappa --help lists the commands.\n`)
    return exitCodes.usage
  }
  if (asksForHelp) {
    io.stdout.write(commandHelp(command))
    return exitCodes.done
  }
  try {
    const { length } = command.name.split(' ')
    const { positionals, options } = parseArguments(command, args.slice(length))
    return await command.run({ positionals, options, io })
  } catch (error) {
    return explain(error, command, io)
  }
}

/** Runs the process's own call and sets its exit code. */
export async function runProcess(): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(exitCodes.unread)
  })
  process.exitCode = await runKappa(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    onInterrupt(listener) {
      process.on('SIGINT', listener).on('SIGTERM', listener)
      return () => process.off('SIGINT', listener).off('SIGTERM', listener)
    },
  })
}

function explain(error: unknown, command: Command, io: Io): number {
  if (error instanceof UsageError) {
    io.stderr.write(`kappa ${command.name}: ${error.message}\n`)
    io.stderr.write(`kappa ${command.name} --help tells how it is used.\n`)
    return exitCodes.usage
  }
  if (error instanceof ConnectionError) {
    io.stderr.write(`kappa ${command.name}: ${error.message}\n`)
    const service = command.options.url?.service
    if (service !== undefined) {
      const { name, variable } = service
      io.stderr.write(`Is ${name} running (npm start)? --url or ${variable} names another one.\n`)
    }
    return exitCodes.unavailable
  }
  if (error instanceof ApiError) {
    io.stderr.write(`kappa ${command.name}: ${plainText(error.message)} (${error.code})\n`)
    for (const detail of detailLines(error.details)) io.stderr.write(`  ${detail}\n`)
    if (error.status >= 500 || error.status === 429) return exitCodes.unavailable
    // The thing is not as it has to be, as against: the call is not.
    return [409, 422].includes(error.status) ? exitCodes.failed : exitCodes.usage
  }
  throw error
}

function startsWith(args: readonly string[], words: readonly string[]): boolean {
  return words.every((word, index) => args[index] === word)
}

/** `kappa rejected --help` lists the commands that begin so. */
function isBelow(name: string, args: readonly string[]): boolean {
  const words = args.filter((arg) => !arg.startsWith('-') && arg !== 'help')
  return (
    startsWith(name.split(' '), words) ||
    !commands.some((each) => startsWith(each.name.split(' '), words))
  )
}

function unknownCommand(args: readonly string[]): string {
  const [first = '', second = ''] = args
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (group.length > 0) {
    const words = group.map(({ name }) => name.slice(first.length + 1))
    const hint = hintFor(second, words)
    return `${first} needs one of ${words.join(', ')}${second === '' ? '' : `, got "${second}"${hint}`}`
  }
  const words = new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))
  return `unknown command "${first}"${hintFor(first, [...words])}`
}

function hintFor(word: string, words: readonly string[]): string {
  const found = suggest(word, words)
  return found === undefined ? '' : ` (did you mean "${found}"?)`
}

if (import.meta.main) await runProcess()
