import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './cache.mjs'
import { runOrFail } from './exec.mjs'
import { withLock } from './lock.mjs'
import { step } from './progress.mjs'

const INSTALL_TIMEOUT_MS = 10 * 60_000
const INSTALL_WAIT_MS_MAX = 10 * 60_000

/**
 * Runs `npm ci` unless node_modules holds what package-lock.json says.
 *
 * @param {string} root the checkout
 */
export async function installNpmPackages(root) {
  if (await isInstalled(root)) return
  await withLock(join(root, '.kappa', 'npm.lock'), INSTALL_WAIT_MS_MAX, async () => {
    if (await isInstalled(root)) return
    await step('Installing npm packages', () =>
      runOrFail('npm', ['ci', '--no-audit', '--no-fund'], {
        cwd: root,
        timeoutMs: INSTALL_TIMEOUT_MS,
        purpose: 'Installing the npm packages (npm ci)',
      }),
    )
    await writeFile(stampFile(root), await lockDigest(root))
  })
}

/** @param {string} root */
async function isInstalled(root) {
  const digest = await lockDigest(root)
  if ((await readOrUndefined(stampFile(root))) === digest) return true
  if (!(await holdsTheSame(root))) return false
  await writeFile(stampFile(root), digest)
  return true
}

/**
 * After an `npm install` by hand the stamp is old but node_modules is right: npm's own record of
 * what it installed tells, and saves a slow `npm ci`.
 *
 * @param {string} root
 */
async function holdsTheSame(root) {
  const installed = await readOrUndefined(join(root, 'node_modules', '.package-lock.json'))
  if (installed === undefined) return false
  const { packages: wanted } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const { packages: found } = JSON.parse(installed)
  return Object.entries(wanted)
    .filter(([path, entry]) => path.includes('node_modules/') && !entry.optional && !entry.peer)
    .every(([path, entry]) => found[path]?.version === entry.version)
}

/** @param {string} root */
function stampFile(root) {
  return join(root, 'node_modules', '.kappa-lock-sha256')
}

/** @param {string} root */
async function lockDigest(root) {
  return createHash('sha256')
    .update(await readFile(join(root, 'package-lock.json')))
    .digest('hex')
}

/** @param {string} file @returns {Promise<string | undefined>} */
export async function readOrUndefined(file) {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
