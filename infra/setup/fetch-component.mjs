/**
 * `node infra/setup/fetch-component.mjs <component> <folder>`: fetches one component of
 * checksums.json, verified, and puts its files into a folder. For images, which hold one each.
 */
import { copyFile, mkdir, readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchComponents } from './fetch.mjs'
import { SetupProblem } from './problem.mjs'

/** The same files give the same image layer, whenever they were fetched. */
const FILE_TIME = new Date('2000-01-01T00:00:00Z')

const [name, target] = process.argv.slice(2)
if (name === undefined || target === undefined) {
  console.error('Usage: node infra/setup/fetch-component.mjs <component> <folder>')
  process.exit(2)
}
try {
  const source = (await fetchComponents([name]))[name]
  if (source === undefined) throw new SetupProblem(`There is no component ${name}.`)
  await mkdir(target, { recursive: true })
  for (const file of (await readdir(source)).filter((each) => !each.startsWith('.')).sort()) {
    await copyFile(join(source, file), join(target, file))
    await utimes(join(target, file), FILE_TIME, FILE_TIME)
  }
} catch (error) {
  if (!(error instanceof SetupProblem)) throw error
  console.error(`\n${error.message}\n`)
  process.exitCode = 1
}
