/** A worker thread: another client, which publishes one event after the other while it is told to. */
import { parentPort, workerData } from 'node:worker_threads'

interface Task {
  readonly url: string
  readonly event: Readonly<Record<string, unknown>>
}

export interface BystanderReport {
  readonly requests: number
  /** Other answers than 200, with their statuses. */
  readonly failures: readonly number[]
  readonly p50Ms: number
  readonly p99Ms: number
  readonly slowestMs: number
}

const { url, event } = workerData as Task
const latenciesMs: number[] = []
const failures: number[] = []
let running = true
parentPort?.once('message', () => {
  running = false
})
while (running) {
  const started = performance.now()
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-client': 'bystander' },
    body: JSON.stringify({ ...event, event_id: `bystander-${latenciesMs.length}` }),
  })
  await answer.text()
  latenciesMs.push(performance.now() - started)
  if (answer.status !== 200) failures.push(answer.status)
}
const sorted = latenciesMs.toSorted((a, b) => a - b)
const at = (part: number) => Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0)
parentPort?.postMessage({
  requests: sorted.length,
  failures,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  slowestMs: at(1),
} satisfies BystanderReport)
