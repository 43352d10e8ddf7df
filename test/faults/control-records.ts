import { parseReleaseRecord } from '@kappa/applications/control-records'
import { type LivePointer, type ReleaseRecord, TopicNames } from '@kappa/applications/records'
import type { Kafka } from '@kappa/kafka/port'

/** What the control log says of releases, read from Kafka. */
export interface ControlRecords {
  /** By release number. */
  readonly releases: ReadonlyMap<number, ReleaseRecord>
  /** By application. */
  readonly pointers: ReadonlyMap<string, LivePointer>
  /** Every record ever committed, as it lies there. */
  readonly history: readonly string[]
}

/** Of an installation with one application. */
export async function readControl(kafka: Kafka, namespace: string): Promise<ControlRecords> {
  const releases = new Map<number, ReleaseRecord>()
  const pointers = new Map<string, LivePointer>()
  const history: string[] = []
  for await (const { key, value, offset } of kafka.readToEnd(new TopicNames(namespace).releases)) {
    history.push(`${offset} ${key} ${value}`)
    if (value === null) continue
    const parsed = parseReleaseRecord(String(key), value)
    if ('live' in parsed) pointers.set(parsed.live.application, parsed.live)
    else releases.set(parsed.release.release, parsed.release)
  }
  return { releases, pointers, history }
}

/** Epochs of the instances that have written positions, from the `skip`th record on. */
export async function positionEpochs(kafka: Kafka, namespace: string): Promise<number[]> {
  const epochs: number[] = []
  for await (const { value } of kafka.readToEnd(new TopicNames(namespace).positions)) {
    if (value !== null) epochs.push(JSON.parse(value.toString()).epoch)
  }
  return epochs
}
