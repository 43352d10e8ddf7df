import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CompatibilityMode, checkEvolution } from './compatibility.ts'
import { Contract, type ContractVersion } from './contract.ts'
import { Contracts } from './contracts.ts'
import { ContractError, type ContractProblem } from './errors.ts'
import { checkEventFields } from './event-fields.ts'
import { defaultEncodeLimits, type EncodeLimits } from './event-problem.ts'
import { parseJsonDocument, parseYamlDocument, type SourceDocument } from './json-document.ts'
import { parseSchema } from './parse-schema.ts'
import { normalizeSchema, schemaIdOf } from './schema-id.ts'
import { readTopicFile, type TopicFile } from './topic-file.ts'
import { checkTopicNames } from './topic-name.ts'

export interface LoadOptions {
  /** Bounds of encoding, see `EncodeLimits`; what is left out has its default. */
  readonly limits?: Partial<EncodeLimits>
}

const fileBytesMax = 1_048_576
const topicFileName = 'topic.yaml'
const versionFile = /^(\d+)\.avsc$/

/**
 * Reads every `<folder>/<topic>/topic.yaml` and `<folder>/<topic>/<n>.avsc` and checks them.
 * Hidden folders, files beside the topics' folders and files of other kinds are left alone.
 *
 * @throws ContractError with all problems, each naming its file and, where there is one, its line.
 */
export async function loadContracts(folder: string, options: LoadOptions = {}): Promise<Contracts> {
  const { contracts, problems } = await readContracts(folder, options)
  if (problems.length > 0) throw new ContractError(problems)
  return new Contracts(contracts)
}

export interface ReadContracts {
  /** Those without problems. */
  readonly contracts: readonly Contract[]
  readonly problems: readonly ContractProblem[]
}

/** As `loadContracts`, for those who want to list the problems: never throws for what files hold. */
export async function readContracts(
  folder: string,
  options: LoadOptions = {},
): Promise<ReadContracts> {
  const loader = new Loader(folder, { ...defaultEncodeLimits, ...options.limits })
  return { contracts: await loader.load(), problems: loader.problems }
}

interface VersionSource extends ContractVersion {
  readonly file: string
  readonly document: SourceDocument
}

class Loader {
  readonly problems: ContractProblem[] = []
  readonly #folder: string
  readonly #limits: EncodeLimits
  readonly #schemaIds = new Map<number, { file: string; normalized: string }>()

  constructor(folder: string, limits: EncodeLimits) {
    this.#folder = folder
    this.#limits = limits
  }

  async load(): Promise<Contract[]> {
    const topics = await this.#folders().catch((error: Error) => {
      this.#problem(
        this.#folder,
        undefined,
        `the folder of contracts cannot be read: ${error.message}`,
      )
      return []
    })
    checkTopicNames(topics, (topic, message) =>
      this.#problem(join(this.#folder, topic), undefined, message),
    )
    const contracts: Contract[] = []
    for (const topic of topics) {
      const contract = await this.#loadTopic(topic)
      if (contract !== undefined) contracts.push(contract)
    }
    return contracts
  }

  /** Links count: Kubernetes mounts folders as links to hidden ones. */
  async #folders(): Promise<string[]> {
    const names = (await readdir(this.#folder)).filter((name) => !name.startsWith('.')).sort()
    const isFolder = await Promise.all(
      names.map(async (name) => (await stat(join(this.#folder, name))).isDirectory()),
    )
    return names.filter((_name, index) => isFolder[index])
  }

  async #loadTopic(topic: string): Promise<Contract | undefined> {
    const before = this.problems.length
    const folder = join(this.#folder, topic)
    const files = (await readdir(folder)).sort()
    const topicFile = await this.#loadTopicFile(folder, files)
    const versions = await this.#loadVersions(folder, files)
    for (const version of versions) {
      if (topicFile === undefined) break
      checkEventFields(version.schema, topicFile, (message, path) =>
        this.#problem(version.file, version.document.lineOf(path), message),
      )
    }
    if (topicFile !== undefined) this.#checkEvolution(versions, topicFile.compatibility)
    if (topicFile === undefined || this.problems.length > before) return undefined
    const plain = versions.map(({ n, schemaId, schemaText, schema }) => {
      return { n, schemaId, schemaText, schema }
    })
    return new Contract(topic, topicFile, plain, this.#limits)
  }

  #checkEvolution(versions: readonly VersionSource[], mode: CompatibilityMode): void {
    for (const [index, version] of versions.entries()) {
      for (const found of checkEvolution(versions.slice(0, index), version, mode)) {
        const { field, rule } = found
        const message = `${found.message} (compatibility: ${mode})`
        const line = version.document.lineOf(found.path)
        this.#problem(version.file, line, message, field === '' ? { rule } : { field, rule })
      }
    }
  }

  async #loadTopicFile(folder: string, files: readonly string[]): Promise<TopicFile | undefined> {
    const file = join(folder, topicFileName)
    if (!files.includes(topicFileName)) {
      const near = files.find((name) => /^topic\.ya?ml$/i.test(name))
      const hint = near === undefined ? '' : `; rename ${near}`
      this.#problem(
        file,
        undefined,
        `the file is missing: it says key, event_time and partitions${hint}`,
      )
      return undefined
    }
    const document = await this.#read(file, parseYamlDocument)
    if (document === undefined) return undefined
    return readTopicFile(document, (message, path) =>
      this.#problem(file, document.lineOf(path), message),
    )
  }

  async #loadVersions(folder: string, files: readonly string[]): Promise<VersionSource[]> {
    const numbered = new Map<number, string>()
    for (const name of files.filter((candidate) => candidate.endsWith('.avsc'))) {
      const n = Number(versionFile.exec(name)?.[1] ?? 0)
      const other = numbered.get(n)
      if (n < 1) {
        const message = 'a version is named by its number from 1: 1.avsc, 2.avsc, …'
        this.#problem(join(folder, name), undefined, message)
      } else if (other !== undefined) {
        const message = `two versions with one number: ${other} and ${name} are both version ${n}`
        this.#problem(join(folder, name), undefined, message)
      } else {
        numbered.set(n, name)
      }
    }
    const ordered = [...numbered].sort(([a], [b]) => a - b)
    if (ordered.length === 0) {
      const message = 'the first version of the schema is missing'
      this.#problem(join(folder, '1.avsc'), undefined, message)
    }
    const versions: VersionSource[] = []
    let expected = 1
    for (const [n, name] of ordered) {
      if (n !== expected) {
        const gap =
          n - 1 > expected ? `versions ${expected} to ${n - 1} are` : `version ${expected} is`
        this.#problem(
          join(folder, name),
          undefined,
          `${gap} missing: versions are numbered without gaps`,
        )
      }
      expected = n + 1
      const version = await this.#loadVersion(join(folder, name), n)
      if (version !== undefined) versions.push(version)
    }
    return versions
  }

  async #loadVersion(file: string, n: number): Promise<VersionSource | undefined> {
    const document = await this.#read(file, parseJsonDocument)
    if (document === undefined) return undefined
    const { schema, problems } = parseSchema(document.value)
    for (const { message, path } of problems) this.#problem(file, document.lineOf(path), message)
    if (schema === undefined) return undefined
    if (schema.type !== 'record') {
      this.#problem(file, document.lineOf([]), `an event is a record, got ${schema.type}`)
      return undefined
    }
    const schemaId = schemaIdOf(document.value)
    this.#checkSchemaId(file, schemaId, normalizeSchema(document.value))
    return { n, schemaId, schemaText: document.text, schema, file, document }
  }

  #checkSchemaId(file: string, schemaId: number, normalized: string): void {
    const other = this.#schemaIds.get(schemaId)
    if (other === undefined) {
      this.#schemaIds.set(schemaId, { file, normalized })
    } else if (other.normalized !== normalized) {
      const message = `by chance the schema has the same id (${schemaId}) as ${other.file}: add or change any attribute but "doc"`
      this.#problem(file, undefined, message)
    }
  }

  async #read(
    file: string,
    parse: (text: string) => SourceDocument | { readonly line?: number; readonly message: string },
  ): Promise<SourceDocument | undefined> {
    const { size } = await stat(file)
    if (size > fileBytesMax) {
      this.#problem(file, undefined, `the file has ${size} bytes, at most ${fileBytesMax} are read`)
      return undefined
    }
    const parsed = parse(await readFile(file, 'utf8'))
    if (!('message' in parsed)) return parsed
    this.#problem(file, parsed.line, parsed.message)
    return undefined
  }

  #problem(
    file: string,
    line: number | undefined,
    message: string,
    broken: { readonly field?: string; readonly rule?: string } = {},
  ): void {
    this.problems.push({ file, ...(line === undefined ? {} : { line }), message, ...broken })
  }
}
