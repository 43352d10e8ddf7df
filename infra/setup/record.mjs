/** `npm run setup:record`: fetches everything anew and writes infra/checksums.json. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checksumsOf, sha256 } from './checksums.mjs'
import { COMPONENTS } from './components.mjs'
import { platformOf, readLock, readVersions } from './fetch.mjs'
import { step } from './progress.mjs'

const versions = await readVersions()
const lock = await readLock().catch(() => ({}))
for (const component of COMPONENTS) {
  const staging = await mkdtemp(join(tmpdir(), 'kappa-record-'))
  try {
    await step(`Recording ${component.title} ${component.version(versions)}`, async (report) => {
      await component.fill({ staging, versions, archive: undefined, report })
      const archive = component.archive && (await archiveOf(join(staging, 'download')))
      const files = await checksumsOf(join(staging, 'complete'))
      const record = { version: component.version(versions), ...(archive && { archive }), files }
      lock[component.name] = { ...lock[component.name], [platformOf(component.name)]: record }
    })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}
await writeFile(new URL('../checksums.json', import.meta.url), `${JSON.stringify(lock, null, 2)}\n`)

/** @param {string} folder */
async function archiveOf(folder) {
  const file = join(folder, (await readdir(folder))[0] ?? '')
  return { sha256: await sha256(file), bytes: (await stat(file)).size }
}
