/** `npm run dashboards`: writes `dashboards/*.json` as `dashboards.ts` says. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dashboards } from './dashboards.ts'

const folder = join(import.meta.dirname, 'dashboards')
await mkdir(folder, { recursive: true })
for (const [name, dashboard] of Object.entries(dashboards)) {
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(dashboard, null, 2)}\n`)
}
