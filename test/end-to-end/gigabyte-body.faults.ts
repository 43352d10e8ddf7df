import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { connectKafka } from '@kappa/kafka/connect'
import { benchEvent, benchTopic } from '../bench/bench-stack.ts'
import { ServiceProcess } from '../platform/service-process.ts'
import { testStack } from '../stack.ts'

const bodyBytes = 2 ** 30
const linesPerWrite = 1_000
const growthBytesMax = 128 * 2 ** 20

test('a body of 1 GB is written and answered line by line, in flat memory', async () => {
  const stack = testStack()
  const ingest = await ServiceProcess.start(
    'ingest',
    {
      KAPPA_NAMESPACE: 'gigabyte',
      KAPPA_KAFKA_BROKERS: stack.kafkaBrokers,
      KAPPA_SCHEMAS_FOLDER: join(import.meta.dirname, '..', 'bench', 'application', 'schemas'),
      KAPPA_HTTP_PORT: '0',
    },
    join(stack.stateFolder, 'gigabyte-ingest.log'),
  )
  try {
    const startedAt = performance.now()
    let sentEvents = 0
    let sentBytes = 0
    function* lines(): Generator<string> {
      const at = Date.now()
      while (sentBytes < bodyBytes) {
        const events = Array.from({ length: linesPerWrite }, () => benchEvent(sentEvents++, at))
        const text = `${events.join('\n')}\n`
        sentBytes += text.length
        yield text
      }
    }
    const url = `${ingest.url}/v1/topics/${benchTopic}/events`
    const type = 'application/x-ndjson'
    const headers = { 'content-type': type, accept: type }
    const request = httpRequest(url, { method: 'POST', headers })
    const answered = new Promise<Readable>((resolve, reject) => {
      request.on('error', reject).on('response', resolve)
    })
    Readable.from(lines()).pipe(request)

    let settledBytes = 0
    let peakBytes = 0
    let summary: { accepted: number; rejected: number; failed: number } | undefined
    let index = 0
    for await (const line of createInterface(await answered)) {
      const result = JSON.parse(line)
      if (result.summary !== undefined) {
        summary = result.summary
        break
      }
      assert.equal(result.index, index++)
      if (index % 50_000 !== 0) continue
      const now = residentBytes(ingest.pid)
      if (sentBytes < bodyBytes / 4) settledBytes = Math.max(settledBytes, now)
      else peakBytes = Math.max(peakBytes, now)
    }
    const seconds = (performance.now() - startedAt) / 1_000
    console.log(
      `${sentEvents} events, ${sentBytes} bytes in ${seconds.toFixed(0)} s; resident in the first quarter ${megabytes(settledBytes)}, after it at most ${megabytes(peakBytes)}`,
    )
    assert.deepEqual([summary?.accepted, summary?.rejected, summary?.failed], [sentEvents, 0, 0])
    assert.equal(await recordsInLog(stack.kafkaBrokers), sentEvents)
    assert.ok(peakBytes < settledBytes + growthBytesMax)
  } finally {
    await ingest.stop()
  }
})

async function recordsInLog(brokers: string): Promise<number> {
  const kafka = await connectKafka({
    brokers: [brokers],
    clientId: 'gigabyte-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
  try {
    const ends = await kafka.admin.endOffsets(benchTopic)
    return ends.reduce((sum, { offset }) => sum + Number(offset), 0)
  } finally {
    await kafka.close()
  }
}

/** From Linux's /proc (proc_pid_status(5)). */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
