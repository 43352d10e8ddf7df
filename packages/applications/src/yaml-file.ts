import { isMap, isScalar, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml'
import type { Problem } from './problems.ts'

/** A YAML mapping that can be asked for typed values and remembers, with lines, what is wrong. */
export class YamlSection {
  readonly #node: YAMLMap
  readonly #file: YamlFile
  readonly #path: string

  constructor(file: YamlFile, node: YAMLMap, path: string) {
    this.#file = file
    this.#node = node
    this.#path = path
  }

  keys(): string[] {
    return this.#node.items.map(({ key }) => String(isScalar(key) ? key.value : key))
  }

  has(key: string): boolean {
    return this.#node.has(key)
  }

  /** Refuses keys that nothing reads, so that a misspelt one does not go unnoticed. */
  only(allowed: readonly string[]): void {
    for (const { key } of this.#node.items) {
      const name = String(isScalar(key) ? key.value : key)
      if (allowed.includes(name)) continue
      this.#file.problem(
        key as Node,
        `${this.#path}${name} is not known here; known: ${allowed.join(', ')}.`,
      )
    }
  }

  text(key: string, fallback?: string): string {
    const value = this.#scalar(key) ?? fallback
    if (typeof value === 'string' && value.trim() !== '') return value
    this.reject(key, 'must be a text')
    return ''
  }

  optionalText(key: string): string | undefined {
    return this.has(key) ? this.text(key) : undefined
  }

  integer(key: string, bounds: { fallback: number; min: number; max: number }): number {
    const value = this.#scalar(key) ?? bounds.fallback
    if (
      typeof value === 'number' &&
      Number.isInteger(value) &&
      value >= bounds.min &&
      value <= bounds.max
    ) {
      return value
    }
    this.reject(key, `must be a whole number from ${bounds.min} to ${bounds.max}`)
    return bounds.min
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T {
    const value = this.#scalar(key)
    const choice = choices.find((candidate) => candidate === value)
    if (choice !== undefined) return choice
    this.reject(key, `must be one of ${choices.join(', ')}`)
    return choices[0] as T
  }

  texts(key: string): string[] {
    const value: unknown = this.has(key)
      ? (this.#node.get(key, true) as Node | undefined)?.toJSON()
      : undefined
    const list = Array.isArray(value) ? value : []
    if (list.length > 0 && list.every((element) => typeof element === 'string')) return list
    this.reject(key, 'must be a list of texts, for example [carrier, hour]')
    return []
  }

  section(key: string): YamlSection {
    const node = this.#node.get(key, true)
    if (isMap(node)) return new YamlSection(this.#file, node, `${this.#path}${key}.`)
    if (this.has(key)) this.reject(key, 'must be a mapping')
    return new YamlSection(this.#file, this.#file.emptyMap(), `${this.#path}${key}.`)
  }

  /** Reads a value with a parser that throws a sentence when it cannot. */
  parsed<T>(key: string, fallback: string, parse: (text: string) => T, ifWrong: T): T {
    const text = this.text(key, fallback)
    try {
      return parse(text)
    } catch (error) {
      this.reject(key, `is wrong: ${error instanceof Error ? error.message : String(error)}`)
      return ifWrong
    }
  }

  reject(key: string, message: string): void {
    const item = this.#node.items.find(
      (pair) => (isScalar(pair.key) ? pair.key.value : pair.key) === key,
    )
    this.#file.problem(
      (item?.key as Node | undefined) ?? this.#node,
      `${this.#path}${key} ${message}.`,
    )
  }

  #scalar(key: string): unknown {
    return this.#node.get(key)
  }
}

export class YamlFile {
  readonly problems: Problem[] = []
  readonly root: YamlSection
  readonly #file: string
  readonly #lines = new LineCounter()
  readonly #document: ReturnType<typeof parseDocument>

  constructor(file: string, text: string) {
    this.#file = file
    this.#document = parseDocument(text, { lineCounter: this.#lines })
    for (const error of this.#document.errors) {
      const line = error.linePos?.[0].line
      this.problems.push({ file, ...(line === undefined ? {} : { line }), message: error.message })
    }
    const root = this.#document.contents
    if (!isMap(root) && this.problems.length === 0) {
      this.problems.push({ file, message: 'must be a YAML mapping' })
    }
    this.root = new YamlSection(this, isMap(root) ? root : this.emptyMap(), '')
  }

  emptyMap(): YAMLMap {
    return this.#document.createNode({}) as YAMLMap
  }

  problem(node: Node, message: string): void {
    const offset = node.range?.[0]
    const line = offset === undefined ? undefined : this.#lines.linePos(offset).line
    this.problems.push({ file: this.#file, ...(line === undefined ? {} : { line }), message })
  }
}
