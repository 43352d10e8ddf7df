/** A JSON schema as far as the chart's uses it. */
export interface ValueSchema {
  readonly description?: string
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, ValueSchema>>
  readonly definitions?: Readonly<Record<string, ValueSchema>>
}

/** One value of the chart, or a group of them. */
export interface DescribedValue {
  /** Keys from the root. */
  readonly path: readonly string[]
  readonly description: string | undefined
  readonly isGroup: boolean
}

/** What `values.schema.json` says of each value, in its order; groups before what is in them. */
export function describeValues(root: ValueSchema): DescribedValue[] {
  const definitions = root.definitions ?? {}
  const walk = (schema: ValueSchema, path: readonly string[]): DescribedValue[] =>
    Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
      const referred = value.$ref && definitions[value.$ref.replace('#/definitions/', '')]
      const { properties } = referred || value
      const own = {
        path: [...path, key],
        description: value.description,
        isGroup: properties !== undefined,
      }
      return properties === undefined ? [own] : [own, ...walk({ properties }, own.path)]
    })
  return walk(root, [])
}
