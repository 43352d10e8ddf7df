import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contract } from '@kappa/contracts/contract'
import type { Contracts } from '@kappa/contracts/contracts'
import { loadContracts } from '@kappa/contracts/load'
import type { OutgoingRecord } from '@kappa/kafka/port'

const minuteMs = 60_000
export const latenessMs = 60 * minuteMs
export const logPartitions = 2

/** What was sent: its place in the log is its place in the list. */
export interface Click {
  readonly id: string
  readonly device: string
  readonly atMs: number
  readonly acceptedMs: number
  readonly amount: number
  readonly partition: number
}

/**
 * One click a minute of event time, accepted soon after, up to an hour later (which still counts),
 * or later than that (which does not); some are in the log a second time, up to two hours later.
 */
export function clicksFrom(startMs: number, count: number): Click[] {
  const clicks: { click: Click; loggedMs: number }[] = []
  for (let n = 0; n < count; n += 1) {
    const atMs = startMs + n * minuteMs + (n % 7) * 1_000
    const delayMinutes = n % 11 === 0 ? 61 + (n % 90) : n % 5 === 0 ? 20 + (n % 40) : n % 3
    const acceptedMs = atMs + delayMinutes * minuteMs
    const device = `device ${n % 3}`
    const click = { id: `c${n}`, device, atMs, acceptedMs, amount: (n % 13) - 4 }
    const placed = { ...click, partition: n % logPartitions }
    clicks.push({ click: placed, loggedMs: acceptedMs })
    if (n % 4 === 0) {
      clicks.push({ click: placed, loggedMs: acceptedMs + (n % 120) * minuteMs })
    }
  }
  return clicks.sort((a, b) => a.loggedMs - b.loggedMs).map(({ click }) => click)
}

/** The clicks that count: on time by the rule of the stream, each once. */
export function countedClicks(clicks: readonly Click[]): Click[] {
  const onTime = clicks.filter(({ atMs, acceptedMs }) => atMs >= acceptedMs - latenessMs)
  return [...new Map(onTime.map((click) => [click.id, click])).values()]
}

export function recordOf(contract: Contract, click: Click): OutgoingRecord {
  const { id, device, atMs, acceptedMs, amount, partition } = click
  const encoded = contract.encode({ device, at: new Date(atMs).toISOString(), amount })
  if (!encoded.ok) throw new Error(JSON.stringify(encoded.errors))
  const headers = { 'kappa-id': id, 'kappa-accepted': String(acceptedMs) }
  return { key: encoded.key, value: encoded.value, headers, partition }
}

/** The contract of the topic of clicks. */
export async function clickContracts(topic: string): Promise<Contracts> {
  const folder = await mkdtemp(join(tmpdir(), 'kappa-clicks-'))
  try {
    await mkdir(join(folder, topic))
    const file = { key: 'device', event_time: 'at', partitions: logPartitions }
    const narrow = { ...file, import_disorder_max: '1 minute' }
    await writeFile(join(folder, topic, 'topic.yaml'), JSON.stringify(narrow))
    const fields = [
      { name: 'device', type: 'string' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'amount', type: 'int' },
    ]
    const schema = { type: 'record', name: 'Click', fields }
    await writeFile(join(folder, topic, '1.avsc'), JSON.stringify(schema))
    return await loadContracts(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
