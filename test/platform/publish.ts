import { flightEvents } from '@kappa/flights/sample/events'

export interface Publication {
  readonly topic: string
  readonly event: object
}

const eventsPerRequest = 500

/** Publishes through ingest's HTTP API, in order, topic by topic, as an import of history. */
export async function publishImport(
  ingestUrl: string,
  publications: Iterable<Publication>,
  options: { topic: (name: string) => string; disorder?: string },
): Promise<number> {
  const waiting = new Map<string, string[]>()
  let accepted = 0
  const flush = async (topic: string, lines: string[]) => {
    const query = new URLSearchParams({ mode: 'import', disorder: options.disorder ?? '0 seconds' })
    const answer = await fetch(`${ingestUrl}/v1/topics/${topic}/events?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${answer.status}: ${text.slice(0, 1_000)}`)
    accepted += lines.length
  }
  for (const { topic, event } of publications) {
    const lines = waiting.get(topic) ?? []
    waiting.set(topic, lines)
    lines.push(JSON.stringify(event))
    if (lines.length === eventsPerRequest) await flush(options.topic(topic), lines.splice(0))
  }
  for (const [topic, lines] of waiting) {
    if (lines.length > 0) await flush(options.topic(topic), lines)
  }
  return accepted
}

/** The sample's events, in order of their event times. */
export async function sampleEvents(): Promise<Publication[]> {
  const events: Publication[] = []
  for await (const publication of flightEvents()) events.push(publication)
  return events
}
