/** An identifier as Spark SQL reads it literally. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** A string literal of Spark SQL. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** The one text form of timestamps in keys and rows: UTC, microseconds always written. */
export const timestampPattern = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"
