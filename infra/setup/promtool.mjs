import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, exists, fillAtomically } from './cache.mjs'
import { run, runOrFail } from './exec.mjs'
import { readVersions } from './fetch.mjs'

const BUILD_TIMEOUT_MS = 20 * 60_000
const VERSION_TIMEOUT_MS = 20_000

/**
 * Only the long tests of alerts and dashboards need it, and no package has it as a binary. Go checks the module
 * against the public checksum database.
 *
 * @returns {Promise<string | undefined>}
 */
export async function buildPromtool() {
  const { promtool } = await readVersions()
  const folder = join(cacheFolder(), `promtool-${promtool}`)
  const binary = join(folder, 'promtool')
  if (await exists(folder)) return binary
  if (!(await hasGo())) return undefined
  await fillAtomically(folder, async (staging) => {
    const complete = join(staging, 'complete')
    await mkdir(complete)
    // Without service discovery, which would be the clients of some twenty clouds.
    const args = ['install', '-tags', 'remove_all_sd', '-trimpath', '-ldflags=-s -w']
    await runOrFail('go', [...args, `github.com/prometheus/prometheus/cmd/promtool@v${promtool}`], {
      env: { ...process.env, GOBIN: complete, GOFLAGS: '', CGO_ENABLED: '0' },
      timeoutMs: BUILD_TIMEOUT_MS,
      purpose: 'Building promtool',
    })
  })
  return binary
}

async function hasGo() {
  try {
    return (await run('go', ['version'], { timeoutMs: VERSION_TIMEOUT_MS })).code === 0
  } catch {
    return false
  }
}
