/** `npm run chart`: writes what of the Helm chart is generated. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { chartFiles, chartFolder } from './chart-files.ts'

for (const [name, content] of Object.entries(chartFiles())) {
  const file = join(chartFolder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
