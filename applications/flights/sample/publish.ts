import { flightEvents } from './events.ts'

const eventsPerRequest = 500
const requestTimeoutMs = 30_000

export interface SampleBatch {
  readonly topic: string
  /** An event each, as JSON. */
  readonly lines: readonly string[]
}

/** The flights of January 2013, in the order in which they are published. */
export async function sampleBatches(): Promise<SampleBatch[]> {
  const batches: SampleBatch[] = []
  const open = new Map<string, string[]>()
  for await (const { topic, event } of flightEvents()) {
    let lines = open.get(topic)
    if (lines === undefined || lines.length === eventsPerRequest) {
      lines = []
      open.set(topic, lines)
      batches.push({ topic, lines })
    }
    lines.push(JSON.stringify(event))
  }
  return batches
}

/**
 * Publishes a batch as an import of history.
 * @param mayBeKnown accepts that it was published before: then it is older than what the topic has
 *   seen by now, and ingest rejects it
 * @throws Error with ingest's answer when it is no success
 */
export async function publishBatch(
  ingestUrl: string,
  { topic, lines }: SampleBatch,
  { mayBeKnown }: { readonly mayBeKnown: boolean },
): Promise<void> {
  const query = new URLSearchParams({
    mode: 'import',
    disorder: '0 seconds',
    ...(mayBeKnown && { rejected: 'discard' }),
  })
  const answer = await fetch(`${ingestUrl}/v1/topics/${topic}/events?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
    signal: AbortSignal.timeout(requestTimeoutMs),
  })
  const text = await answer.text()
  if (answer.status === 200) return
  if (mayBeKnown && text.includes('import_disorder')) return
  throw new Error(`ingest answered ${answer.status} for ${topic}: ${text.slice(0, 1_000)}`)
}
