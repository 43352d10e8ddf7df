import { readFileSync } from 'node:fs'
import { rememberSecret } from './redact.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Thrown once with every problem of the environment, so that a start shows all of them. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: { cause?: unknown }) {
    const lines = problems.map((problem) => `  - ${problem}`)
    super(`The configuration is wrong:\n${lines.join('\n')}`, options)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

interface Bounds {
  readonly default?: number
  readonly min: number
  readonly max: number
  readonly unit?: string
}

/** Reads typed values from environment variables and remembers what is wrong with them. */
export class ConfigReader {
  readonly problems: string[] = []
  readonly #environment: Environment

  constructor(environment: Environment) {
    this.#environment = environment
  }

  text(name: string, options: { default?: string } = {}): string {
    const value = this.#value(name) ?? options.default
    if (value !== undefined) return value
    this.#problem(name, 'is not set', 'a text')
    return ''
  }

  optionalText(name: string): string | undefined {
    return this.#value(name)
  }

  isSet(name: string): boolean {
    return this.#value(name) !== undefined
  }

  oneOf<T extends string>(name: string, choices: readonly T[], fallback?: T): T {
    const value = this.#value(name) ?? fallback
    const choice = choices.find((candidate) => candidate === value)
    if (choice !== undefined) return choice
    this.#problem(name, value === undefined ? 'is not set' : `is "${value}"`, choices.join(' | '))
    return choices[0] as T
  }

  integer(name: string, bounds: Bounds): number {
    const wanted = `a whole number from ${bounds.min} to ${bounds.max}${bounds.unit ? ` (${bounds.unit})` : ''}`
    const text = this.#value(name)
    if (text === undefined) {
      if (bounds.default !== undefined) return bounds.default
      this.#problem(name, 'is not set', wanted)
      return bounds.min
    }
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= bounds.min && value <= bounds.max) return value
    this.#problem(name, `is "${text}"`, wanted)
    return bounds.min
  }

  /** A bound on a wait, or how often something is done. */
  milliseconds(
    name: string,
    { min = 10, max = 3_600_000, ...bounds }: { default: number; min?: number; max?: number },
  ): number {
    return this.integer(name, { ...bounds, min, max, unit: 'milliseconds' })
  }

  /** Comma-separated, at least one element. */
  list(name: string, options: { default?: readonly string[] } = {}): readonly string[] {
    const value = this.#value(name)
    const elements = value?.split(',').map((element) => element.trim()) ?? options.default
    if (elements?.every((element) => element !== '')) return elements
    this.#problem(
      name,
      value === undefined ? 'is not set' : `is "${value}"`,
      'values separated by commas',
    )
    return []
  }

  /** The trimmed content of the file that the variable names; secrets are never in the environment itself. */
  secretFile(name: string): string {
    const file = this.#value(name)
    if (file === undefined) {
      this.#problem(name, 'is not set', 'the path of a file that holds the secret')
      return ''
    }
    return this.#readSecret(name, file)
  }

  optionalSecretFile(name: string): string | undefined {
    const file = this.#value(name)
    return file === undefined ? undefined : this.#readSecret(name, file)
  }

  /** Records a problem that only the caller can see, for example in a file's content. */
  reject(name: string, got: string, wanted: string): void {
    this.#problem(name, got, wanted)
  }

  #readSecret(name: string, file: string): string {
    try {
      const secret = readFileSync(file, 'utf8').trim()
      if (secret !== '') {
        rememberSecret(secret)
        return secret
      }
      this.#problem(name, `names the empty file ${file}`, 'a file that holds the secret')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#problem(name, `names a file that cannot be read (${reason})`, 'a readable file')
    }
    return ''
  }

  #value(name: string): string | undefined {
    const value = this.#environment[name]?.trim()
    return value === '' ? undefined : value
  }

  #problem(name: string, got: string, wanted: string): void {
    this.problems.push(`${name} ${got}; it must be ${wanted}.`)
  }
}

/**
 * Builds a configuration from environment variables.
 * @throws ConfigError naming every variable that is wrong, what it got and what it wants.
 */
export function readConfig<T>(environment: Environment, build: (read: ConfigReader) => T): T {
  const reader = new ConfigReader(environment)
  const config = build(reader)
  if (reader.problems.length > 0) throw new ConfigError(reader.problems)
  return config
}
