import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The user's cache, shared by all checkouts: `${XDG_CACHE_HOME:-~/.cache}/kappa`. */
export function cacheFolder(env = process.env) {
  const base = env.XDG_CACHE_HOME
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'kappa')
}

/**
 * Name of a component's folder in the cache. The contents' checksums are part of it, so that
 * a changed list of jars is another folder and an older checkout keeps its own.
 *
 * @param {string} name
 * @param {string} version
 * @param {Record<string, string>} checksums
 */
export function versionedName(name, version, checksums) {
  const digest = createHash('sha256').update(JSON.stringify(checksums)).digest('hex')
  return `${name}-${version}-${digest.slice(0, 8)}`
}

/** @param {string} folder */
export async function exists(folder) {
  try {
    await stat(folder)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** @param {unknown} error @param {...string} codes */
export function hasCode(error, ...codes) {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/**
 * Fills a folder so that it is either absent or complete: the work is done in a staging folder
 * beside it, which is renamed at the end. Of two set-ups at once the first to finish wins and
 * the other one's work is thrown away.
 *
 * @param {string} folder
 * @param {(staging: string) => Promise<void>} fill
 */
export async function fillAtomically(folder, fill) {
  const parent = join(folder, '..')
  await mkdir(parent, { recursive: true })
  await removeAbandoned(parent)
  const staging = join(parent, `.staging-${process.pid}-${randomBytes(4).toString('hex')}`)
  await mkdir(staging)
  try {
    await fill(staging)
    await rename(join(staging, 'complete'), folder)
  } catch (error) {
    const lost = hasCode(error, 'ENOTEMPTY', 'EEXIST') && (await exists(folder))
    if (!lost) throw error
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/**
 * Staging folders of set-ups that were killed. A process of that id may be another one by now:
 * then the folder stays until that has ended, which costs disk space and nothing else.
 *
 * @param {string} parent
 */
async function removeAbandoned(parent) {
  for (const name of await readdir(parent)) {
    const pid = Number(/^\.staging-(\d+)-/.exec(name)?.[1])
    if (pid > 0 && !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true })
  }
}

/** @param {number} pid */
export function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}
