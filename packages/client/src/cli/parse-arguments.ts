import { parseArgs } from 'node:util'
import { didYouMean } from '@kappa/contracts/suggest'
import { type Command, GivenOptions, UsageError } from './command.ts'

export interface ParsedArguments {
  readonly positionals: readonly string[]
  readonly options: GivenOptions
}

/** @throws UsageError for unknown options, missing values and a wrong number of arguments */
export function parseArguments(command: Command, args: readonly string[]): ParsedArguments {
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(command.options).map(([name, { type, short }]) => [
        name,
        short === undefined ? { type } : { type, short },
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const spec = command.options[token.name]
    if (spec === undefined) {
      const names = Object.keys(command.options).map((name) => `--${name}`)
      throw new UsageError(`unknown option ${token.rawName}${didYouMean(token.rawName, names)}`)
    }
    if (spec.type === 'boolean') {
      if (token.value !== undefined) throw new UsageError(`--${token.name} takes no value`)
      values.set(token.name, [])
      continue
    }
    const { value } = token
    // `--url --quiet`: the value was forgotten.
    const another = spec.dashed === true ? /^--./ : /^-./
    const missing = value === undefined || (!token.inlineValue && another.test(value))
    if (missing) throw new UsageError(`--${token.name} needs a value: ${spec.value ?? '<value>'}`)
    const earlier = spec.repeatable ? values.get(token.name) : undefined
    values.set(token.name, [...(earlier ?? []), value])
  }
  checkCount(command, positionals)
  return { positionals, options: new GivenOptions(values) }
}

function checkCount(command: Command, positionals: readonly string[]): void {
  const { length } = positionals
  if (length < command.argumentsMin) {
    throw new UsageError(`an argument is missing: kappa ${command.name} ${command.arguments}`)
  }
  if (length > command.argumentsMax) {
    throw new UsageError(`"${positionals[command.argumentsMax]}" is one argument too many`)
  }
}
