type Defined<T> = { readonly [Name in keyof T]?: Exclude<T[Name], undefined> }

/** Without what is undefined: JSON has no such thing, and a service knows left out from given. */
export function defined<T extends object>(values: T): Defined<T> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Defined<T>
}
