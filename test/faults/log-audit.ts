import { askPython } from '../python.ts'

/** Where each acknowledged event was said to be, by its id. */
export type Acknowledged = Map<string, { readonly partition: number; readonly offset: number }>

export interface Audit {
  readonly records: number
  /** Ids in the log. */
  readonly distinct: number
  /** Records beyond the first of their id. */
  readonly doubled: number
  /** Acknowledged ids that are not in the log. */
  readonly lost: readonly string[]
  /** Acknowledged ids that are not where the acknowledgement said. */
  readonly misplaced: readonly string[]
  readonly ids: ReadonlySet<string>
}

/** Compares what was acknowledged with the log, read by librdkafka, which Kappa does not use. */
export async function auditLog(
  brokers: readonly string[],
  topic: string,
  acknowledged: Acknowledged,
): Promise<Audit> {
  const log = await askPython<[number, number, string][]>(
    'read_log',
    { brokers: brokers.join(','), topic },
    { timeoutMs: 120_000 },
  )
  const idAt = new Map(log.map(([partition, offset, id]) => [`${partition}/${offset}`, id]))
  const ids = new Set(idAt.values())
  return {
    records: log.length,
    distinct: ids.size,
    doubled: log.length - ids.size,
    lost: [...acknowledged.keys()].filter((id) => !ids.has(id)),
    misplaced: [...acknowledged]
      .filter(([id, { partition, offset }]) => idAt.get(`${partition}/${offset}`) !== id)
      .map(([id]) => id),
    ids,
  }
}
