import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, exists, fillAtomically, versionedName } from './cache.mjs'
import { verifyFolder, verifyUnlessStamped } from './checksums.mjs'
import { COMPONENTS } from './components.mjs'
import { withLock } from './lock.mjs'
import { SetupProblem } from './problem.mjs'
import { step } from './progress.mjs'

/**
 * @typedef {object} Locked what checksums.json records of a component
 * @property {string} version
 * @property {{ sha256: string, bytes: number }} [archive]
 * @property {Record<string, string>} files
 */

/** @typedef {Record<string, Record<string, Locked>>} Lock component -> platform or `any` -> record */

const FETCH_WAIT_MS_MAX = 30 * 60_000

const JARS = ['kafka', 'kafka-streams', 'spark']

/** Jars are the same everywhere, binaries are not. @param {string} name */
export function platformOf(name) {
  return JARS.includes(name) ? 'any' : `${process.platform}-${process.arch}`
}

/** @returns {Promise<Record<string, string>>} */
export async function readVersions() {
  return JSON.parse(await readFile(new URL('../versions.json', import.meta.url), 'utf8'))
}

/** @returns {Promise<Lock>} */
export async function readLock() {
  return JSON.parse(await readFile(new URL('../checksums.json', import.meta.url), 'utf8'))
}

/**
 * @param {string} name
 * @param {Lock} lock
 * @param {NodeJS.ProcessEnv} [env]
 * @throws {SetupProblem} nothing is recorded for this platform
 */
function componentFolder(name, lock, env = process.env) {
  const locked = lock[name]?.[platformOf(name)]
  if (locked === undefined) {
    throw new SetupProblem(
      `infra/checksums.json records no ${name} for ${platformOf(name)}. If the platform is new, try: npm run setup:record`,
    )
  }
  const folder = join(cacheFolder(env), versionedName(name, locked.version, locked.files))
  return { folder, locked }
}

/**
 * Makes sure that every component named is complete and verified in the cache.
 *
 * @param {readonly string[]} names
 * @param {{ lock?: Lock, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<Record<string, string>>} component -> folder
 */
export async function fetchComponents(names, options = {}) {
  const versions = await readVersions()
  const lock = options.lock ?? (await readLock())
  /** @type {Record<string, string>} */
  const folders = {}
  for (const component of COMPONENTS.filter((each) => names.includes(each.name))) {
    const { folder, locked } = componentFolder(component.name, lock, options.env)
    folders[component.name] = folder
    if (!(await exists(folder))) {
      const title = `Fetching ${component.title} ${locked.version}`
      await step(title, (report) =>
        withLock(`${folder}.lock`, FETCH_WAIT_MS_MAX, async () => {
          if (await exists(folder)) return
          await fillAtomically(folder, async (staging) => {
            await component.fill({ staging, versions, archive: locked.archive, report })
            report.detail('checksums')
            await verifyFolder(join(staging, 'complete'), locked.files)
          })
        }),
      )
    }
    await step(`Verifying ${component.title}`, () => verifyUnlessStamped(folder, locked.files))
  }
  return folders
}
