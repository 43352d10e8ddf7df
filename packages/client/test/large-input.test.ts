import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { FlakyIngest } from './flaky-ingest.ts'
import { runKappa } from './run-kappa.ts'

const mebibyte = 1_048_576
let ingest: FlakyIngest
before(async () => {
  ingest = await FlakyIngest.start()
  ingest.forgets = true
})
after(() => ingest?.stop())

/** Publishes so many bytes of generated NDJSON and returns the most memory that `kappa` had. */
async function publish(bytes: number): Promise<{ peakBytes: number; seconds: number }> {
  const line = `${JSON.stringify({ event_id: 'id', note: 'x'.repeat(4_000) })}\n`
  let sent = 0
  function* events() {
    for (; sent < bytes; sent += line.length * 50) {
      let text = ''
      for (let n = 0; n < 50; n++) text += line.replace('"id"', `"${bytes}-${sent}-${n}"`)
      yield text
    }
  }
  let peakBytes = 0
  const from = performance.now()
  const { code, stderr, stdout } = await runKappa(
    ['publish', 'large', '-', '--url', ingest.url, '--quiet'],
    {
      stdin: events(),
      onStart: (child) => {
        const { pid } = child
        const sample = setInterval(() => {
          peakBytes = Math.max(peakBytes, highWaterMark(pid))
        }, 50)
        child.once('exit', () => clearInterval(sample))
      },
    },
  )
  assert.deepEqual([code, stderr, stdout], [0, '', ''])
  return { peakBytes, seconds: (performance.now() - from) / 1_000 }
}

function highWaterMark(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    // A process that has ended and was not waited for has no memory.
    return 1_024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
  } catch {
    // It has ended.
    return 0
  }
}

test('an input of 300 MB takes no more memory than one of 100 MB', async (t) => {
  const small = await publish(100 * mebibyte)
  const large = await publish(300 * mebibyte)
  const show = ({ peakBytes, seconds }: typeof small) =>
    `${Math.round(peakBytes / mebibyte)} MiB at most, ${seconds.toFixed(1)} s`
  t.diagnostic(`100 MB: ${show(small)}; 300 MB: ${show(large)}`)
  assert.ok(large.peakBytes < small.peakBytes + 150 * mebibyte)
})
