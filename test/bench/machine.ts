import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import type { Components } from '@kappa/local/components'

const VERSION_TIMEOUT_MS = 20_000

/** What the figures were measured on, by name. */
export async function describeMachine(components: Components): Promise<Record<string, string>> {
  const { stderr } = await promisify(execFile)(components.java, ['-version'], {
    timeout: VERSION_TIMEOUT_MS,
  })
  const versions: Record<string, string> = JSON.parse(
    readFileSync(new URL('../../infra/versions.json', import.meta.url), 'utf8'),
  )
  return {
    CPU: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    OS: `${type()} ${release()}`,
    'Node.js': process.version,
    Java: /version "([^"]+)"/.exec(stderr)?.[1] ?? stderr.trim(),
    Spark: versions.spark ?? 'unknown',
    Kafka: versions.kafka ?? 'unknown',
    'load average at start': loadavg()
      .map((load) => load.toFixed(1))
      .join(' '),
  }
}
