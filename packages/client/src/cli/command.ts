import { DurationError, parseDuration } from '@kappa/contracts/duration'

/** Exit codes of every command. */
export const exitCodes = {
  done: 0,
  /**
   * The thing itself is not as it has to be: events were rejected, contracts have problems, a replay
   * was refused or failed, a comparison differs, a row is not there.
   */
  failed: 1,
  usage: 2,
  /** A service could not be reached, gave up, or is not able to. */
  unavailable: 3,
  /** 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGPIPE: what reads the output has gone. */
  unread: 141,
} as const

/** A service that commands talk to. */
export interface ServiceSpec {
  readonly name: string
  /** Environment variable that names its URL. */
  readonly variable: string
  readonly urlDefault: string
}

export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** How its value is called in the help. */
  readonly value?: string
  readonly summary: string
  /** Its value may begin with a dash: `-time`. */
  readonly dashed?: true
  /** May be given several times; of others the last one counts. */
  readonly repeatable?: true
  /** What this is the URL of. */
  readonly service?: ServiceSpec
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

export interface Command {
  /** What calls it: `rejected list`. */
  readonly name: string
  /** Its arguments as the usage line shows them. */
  readonly arguments: string
  readonly argumentsMin: number
  readonly argumentsMax: number
  readonly summary: string
  /** Paragraphs below the usage line. */
  readonly description?: string
  readonly options: OptionSpecs
  readonly examples?: readonly string[]
  /** @returns the exit code */
  run(input: CommandInput): Promise<number>
}

export interface CommandInput {
  readonly positionals: readonly string[]
  readonly options: GivenOptions
  readonly io: Io
}

/** Where a command reads and writes; tests give their own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Calls back on Ctrl-C or SIGTERM; the returned function ends that. */
  onInterrupt(listener: (signal: NodeJS.Signals) => void): () => void
}

export interface Output {
  /** @returns false when it is to be waited for `drain` before more is written */
  write(text: string | Uint8Array): unknown
  once?(event: 'drain', listener: () => void): unknown
  off?(event: 'drain', listener: () => void): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** The command line is wrong; the message says what to write. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
  }
}

/** The options of one call, read by their kind. */
export class GivenOptions {
  readonly #values: ReadonlyMap<string, readonly string[]>

  /** @param values by name; flags have none */
  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  flag(name: string): boolean {
    return this.#values.has(name)
  }

  text(name: string): string | undefined {
    return this.texts(name).at(-1)
  }

  /** All values of a repeatable option. */
  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /** @throws UsageError naming the option, what it has to be and what it is */
  integer(name: string, min: number, max: number): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    throw new UsageError(`--${name} is a whole number from ${min} to ${max}, got "${value}"`)
  }

  /** @throws UsageError naming the option and what durations look like */
  durationMs(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    try {
      return parseDuration(value)
    } catch (error) {
      if (!(error instanceof DurationError)) throw error
      throw new UsageError(`--${name}: ${error.message}`, { cause: error })
    }
  }

  /** @throws UsageError naming the option and what it may be */
  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const found = choices.find((choice) => choice === value)
    if (found !== undefined) return found
    throw new UsageError(`--${name} is ${choices.join(' or ')}, got "${value}"`)
  }
}
