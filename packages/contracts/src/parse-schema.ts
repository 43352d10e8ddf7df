import { checkDefault } from './default-value.ts'
import { parseLogicalType } from './parse-logical-type.ts'
import type {
  Field,
  JsonPath,
  NamedSchema,
  PrimitiveName,
  RecordSchema,
  Schema,
  SchemaProblem,
} from './schema.ts'
import { didYouMean } from './suggest.ts'

const primitives: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])
const complexTypes = ['record', 'enum', 'fixed', 'array', 'map']
const simpleName = /^[A-Za-z_][A-Za-z0-9_]*$/
const fullName = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/
const depthMax = 64
const fixedBytesMax = 1_048_576
const problemsMax = 100

export interface ParsedSchema {
  /** undefined when there are problems. */
  readonly schema: Schema | undefined
  readonly problems: readonly SchemaProblem[]
}

/**
 * Parses the JSON of an Avro schema (specification 1.12, "Schema Declaration") and checks it:
 * names, references, defaults, logical types. Stricter than Avro in two points: a logical type
 * that is unknown, or on a type that cannot carry it, is a problem and not silently ignored.
 */
export function parseSchema(json: unknown): ParsedSchema {
  const parser = new SchemaParser()
  const schema = parser.parse(json, [], '', 0)
  if (parser.problems.length === 0) parser.checkDefaults()
  return { schema: parser.problems.length === 0 ? schema : undefined, problems: parser.problems }
}

type JsonObject = Readonly<Record<string, unknown>>

class SchemaParser {
  readonly problems: SchemaProblem[] = []
  readonly #named = new Map<string, NamedSchema>()
  readonly #defaults: { field: Field; path: JsonPath }[] = []

  parse(json: unknown, path: JsonPath, namespace: string, depth: number): Schema | undefined {
    if (depth > depthMax) return this.#problem(path, `the schema is nested deeper than ${depthMax}`)
    if (typeof json === 'string') return this.#reference(json, path, namespace)
    if (Array.isArray(json)) return this.#union(json, path, namespace, depth)
    if (!isObject(json)) return this.#problem(path, `expected a schema, got ${show(json)}`)
    const { type } = json
    if (isObject(type) || Array.isArray(type)) {
      return this.parse(type, [...path, 'type'], namespace, depth + 1)
    }
    switch (type) {
      case 'record':
        return this.#record(json, path, namespace, depth)
      case 'enum':
        return this.#enum(json, path, namespace)
      case 'fixed':
        return this.#fixed(json, path, namespace)
      case 'array': {
        const items = this.#child(json, 'items', path, namespace, depth)
        return items && { type: 'array', items }
      }
      case 'map': {
        const values = this.#child(json, 'values', path, namespace, depth)
        return values && { type: 'map', values }
      }
      default:
        return this.#annotated(json, path, namespace)
    }
  }

  /** Defaults can use types that are declared later, so they are checked at the end. */
  checkDefaults(): void {
    for (const { field, path } of this.#defaults) {
      const wrong = checkDefault(field.schema, field.default)
      if (wrong !== undefined) {
        this.#problem(path, `the default of field "${field.name}" is not valid: ${wrong}`)
      }
    }
  }

  #annotated(json: JsonObject, path: JsonPath, namespace: string): Schema | undefined {
    const { type } = json
    if (typeof type !== 'string') {
      return this.#problem(path, `expected "type" to name a type, got ${show(type)}`)
    }
    const schema = this.#reference(type, [...path, 'type'], namespace)
    if (schema === undefined || json.logicalType === undefined) return schema
    const logical = parseLogicalType(json, schema)
    if ('problem' in logical) return this.#problem([...path, 'logicalType'], logical.problem)
    return { type: schema.type as PrimitiveName, logical }
  }

  #reference(name: string, path: JsonPath, namespace: string): Schema | undefined {
    if (primitives.has(name)) return { type: name as PrimitiveName }
    const full = qualify(name, namespace)
    const found = this.#named.get(full) ?? this.#named.get(name)
    if (found !== undefined) return found
    if (this.problems.length >= problemsMax) return undefined
    const known = [...primitives, ...complexTypes, ...this.#named.keys()]
    return this.#problem(path, `unknown type ${show(name)}${didYouMean(name, known)}`)
  }

  #child(json: JsonObject, key: string, path: JsonPath, namespace: string, depth: number) {
    if (json[key] === undefined) {
      return this.#problem(path, `a ${String(json.type)} needs "${key}"`)
    }
    return this.parse(json[key], [...path, key], namespace, depth + 1)
  }

  #union(json: readonly unknown[], path: JsonPath, namespace: string, depth: number) {
    const branches: Schema[] = []
    const seen = new Set<string>()
    for (const [index, branch] of json.entries()) {
      const branchPath = [...path, index]
      const schema = this.parse(branch, branchPath, namespace, depth + 1)
      if (schema === undefined) continue
      const identity = 'name' in schema ? schema.name : schema.type
      if (schema.type === 'union') {
        this.#problem(branchPath, 'a union cannot directly contain a union')
      } else if (seen.has(identity)) {
        this.#problem(branchPath, `the union contains ${identity} twice`)
      }
      seen.add(identity)
      branches.push(schema)
    }
    if (json.length === 0) return this.#problem(path, 'a union needs at least one type')
    return { type: 'union', branches } as const
  }

  #record(json: JsonObject, path: JsonPath, namespace: string, depth: number) {
    const header = this.#header(json, path, namespace)
    if (header === undefined) return undefined
    const record: RecordSchema = { type: 'record', ...header, fields: [] }
    this.#declare(record, path)
    if (!Array.isArray(json.fields)) {
      return this.#problem(path, `record ${record.name} needs "fields", a list`)
    }
    const inner = namespaceOf(record.name)
    const names = new Set<string>()
    for (const [index, entry] of (json.fields as unknown[]).entries()) {
      this.#field(record, entry, [...path, 'fields', index], inner, depth, names)
    }
    return record
  }

  #field(
    record: RecordSchema,
    json: unknown,
    path: JsonPath,
    namespace: string,
    depth: number,
    names: Set<string>,
  ): void {
    if (!isObject(json)) {
      this.#problem(path, `expected a field of record ${record.name}, got ${show(json)}`)
      return
    }
    const { name } = json
    if (typeof name !== 'string' || !simpleName.test(name)) {
      this.#problem(path, `a field's name is letters, digits and _, got ${show(name)}`)
      return
    }
    if (names.has(name)) this.#problem(path, `record ${record.name} has the field "${name}" twice`)
    names.add(name)
    if (json.type === undefined) {
      this.#problem(path, `field "${name}" needs a "type"`)
      return
    }
    if (json.logicalType !== undefined) {
      const hint = `{"type": ${JSON.stringify(json.type)}, "logicalType": ${JSON.stringify(json.logicalType)}}`
      this.#problem(path, `"logicalType" belongs inside the type of field "${name}": ${hint}`)
    }
    const schema = this.parse(json.type, [...path, 'type'], namespace, depth + 1)
    if (schema === undefined) return
    const aliases = this.#aliases(json, path, '')
    const field: Field = { name, aliases, schema, default: json.default, ...docOf(json) }
    if (json.default !== undefined) this.#defaults.push({ field, path: [...path, 'default'] })
    record.fields.push(field)
  }

  #enum(json: JsonObject, path: JsonPath, namespace: string) {
    const header = this.#header(json, path, namespace)
    if (header === undefined) return undefined
    const symbols: unknown = json.symbols
    if (!Array.isArray(symbols) || symbols.length === 0) {
      return this.#problem(path, `enum ${header.name} needs "symbols", a list that is not empty`)
    }
    const seen = new Set<unknown>()
    for (const [index, symbol] of (symbols as unknown[]).entries()) {
      if (typeof symbol !== 'string' || !simpleName.test(symbol)) {
        this.#problem([...path, 'symbols', index], `${show(symbol)} is not a valid enum symbol`)
      } else if (seen.has(symbol)) {
        this.#problem([...path, 'symbols', index], `enum ${header.name} has ${symbol} twice`)
      }
      seen.add(symbol)
    }
    if (json.default !== undefined && !symbols.includes(json.default)) {
      this.#problem([...path, 'default'], `${show(json.default)} is not one of the symbols`)
    }
    const schema = {
      type: 'enum',
      ...header,
      symbols: symbols as string[],
      ...(typeof json.default === 'string' ? { default: json.default } : {}),
    } as const
    this.#declare(schema, path)
    return schema
  }

  #fixed(json: JsonObject, path: JsonPath, namespace: string) {
    const header = this.#header(json, path, namespace)
    if (header === undefined) return undefined
    const size = json.size
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > fixedBytesMax) {
      return this.#problem(path, `fixed ${header.name} needs "size", 1 to ${fixedBytesMax} bytes`)
    }
    const plain = { type: 'fixed', ...header, size } as const
    const logical = json.logicalType === undefined ? undefined : parseLogicalType(json, plain)
    if (logical !== undefined && 'problem' in logical) {
      return this.#problem([...path, 'logicalType'], logical.problem)
    }
    const schema = logical === undefined ? plain : { ...plain, logical }
    this.#declare(schema, path)
    return schema
  }

  #header(json: JsonObject, path: JsonPath, enclosing: string) {
    const { name, namespace } = json
    if (typeof name !== 'string' || !fullName.test(name)) {
      return this.#problem(path, `a ${String(json.type)} needs a valid "name", got ${show(name)}`)
    }
    if (primitives.has(name)) return this.#problem(path, `"${name}" is the name of an Avro type`)
    if (namespace !== undefined && namespace !== '') {
      if (typeof namespace !== 'string' || !fullName.test(namespace)) {
        return this.#problem([...path, 'namespace'], `${show(namespace)} is not a valid namespace`)
      }
    }
    const full = qualify(name, typeof namespace === 'string' ? namespace : enclosing)
    return { name: full, aliases: this.#aliases(json, path, namespaceOf(full)), ...docOf(json) }
  }

  #aliases(json: JsonObject, path: JsonPath, namespace: string): string[] {
    const aliases: unknown = json.aliases ?? []
    if (
      !Array.isArray(aliases) ||
      !aliases.every((a) => typeof a === 'string' && fullName.test(a))
    ) {
      this.#problem([...path, 'aliases'], `"aliases" is a list of names, got ${show(aliases)}`)
      return []
    }
    return (aliases as string[]).map((alias) => qualify(alias, namespace))
  }

  #declare(schema: NamedSchema, path: JsonPath): void {
    if (this.#named.has(schema.name)) {
      this.#problem(path, `the name ${schema.name} is declared twice`)
    }
    this.#named.set(schema.name, schema)
  }

  #problem(path: JsonPath, message: string): undefined {
    if (this.problems.length < problemsMax) this.problems.push({ path, message })
    return undefined
  }
}

function docOf({ doc }: JsonObject): { readonly doc?: string } {
  return typeof doc === 'string' ? { doc } : {}
}

function qualify(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

function namespaceOf(full: string): string {
  const dot = full.lastIndexOf('.')
  return dot === -1 ? '' : full.slice(0, dot)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  return text === undefined ? 'nothing' : text.length > 80 ? `${text.slice(0, 80)}…` : text
}
