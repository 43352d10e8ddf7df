import type { IncomingRecord, Kafka } from '@kappa/kafka/port'

/** Rows of a changelog as readers see them, by key: an older batch never replaces a newer one. */
export async function foldChangelog(kafka: Kafka, topic: string): Promise<Map<string, string>> {
  const newest = new Map<string, { batch: number; value: string | null }>()
  for await (const { key, value, headers } of kafka.readToEnd(topic)) {
    const batch = batchOf({ headers })
    const name = String(key)
    if (batch < (newest.get(name)?.batch ?? 0)) continue
    newest.set(name, { batch, value: value === null ? null : String(value) })
  }
  const rows = [...newest].flatMap(([name, { value }]) =>
    value === null ? [] : [[name, value] as const],
  )
  return new Map(rows.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function batchOf({ headers }: Pick<IncomingRecord, 'headers'>): number {
  return Number(String(headers['kappa-batch']))
}
