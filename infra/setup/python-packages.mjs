import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder, exists, fillAtomically } from './cache.mjs'
import { run } from './exec.mjs'
import { withLock } from './lock.mjs'
import { SetupProblem } from './problem.mjs'
import { step } from './progress.mjs'

const INSTALL_TIMEOUT_MS = 10 * 60_000
const INSTALL_WAIT_MS_MAX = 15 * 60_000
const VERSION_TIMEOUT_MS = 20_000
/** The oldest version that every package of the requirements is published for. */
const MINOR_LEAST = 11

/** What the tests use from PyPI: exact versions with the hashes of their wheels. */
export const REQUIREMENTS_FILE = fileURLToPath(
  new URL('../python-requirements.txt', import.meta.url),
)

/**
 * Makes sure that the Python packages of the tests are in the cache. Only the tests need them:
 * Kafka and Schema Registry clients that others wrote, fastavro, schemathesis, and linters. Installed with
 * `pip install --target`, because `python3 -m venv` is a package of its own on Debian.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string>} the folder, for PYTHONPATH
 */
export async function installPythonPackages(env = process.env) {
  const minor = await pythonMinor(env)
  const digest = createHash('sha256').update(await readFile(REQUIREMENTS_FILE))
  const name = `python-3.${minor}-${digest.digest('hex').slice(0, 8)}`
  const folder = join(cacheFolder(env), name)
  if (await exists(folder)) return folder
  await step('Fetching the Python packages of the tests', (report) =>
    withLock(`${folder}.lock`, INSTALL_WAIT_MS_MAX, async () => {
      if (await exists(folder)) return
      report.detail('PyPI')
      await fillAtomically(folder, (staging) => install(staging, minor, env))
    }),
  )
  return folder
}

/** @param {string} staging @param {number} minor @param {NodeJS.ProcessEnv} env */
async function install(staging, minor, env) {
  const temporary = join(staging, 'temporary')
  await mkdir(temporary)
  const { code, output } = await run(
    'python3',
    ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir']
      .concat(['--root-user-action=ignore', '--no-deps', '--require-hashes'])
      .concat(['--only-binary', ':all:', '--target', join(staging, 'complete')])
      .concat(['--requirement', REQUIREMENTS_FILE]),
    { env: { ...env, TMPDIR: temporary }, timeoutMs: INSTALL_TIMEOUT_MS },
  )
  if (code === 0) return
  const lines = output.trimEnd().split('\n').slice(-12).join('\n    ')
  throw new SetupProblem(
    `pip could not install the Python packages of the tests (Python 3.${minor}, ${process.platform}-${process.arch}).
    Check the network and the proxy, then run again. Where pip finds no matching distribution,
    or hashes do not match, infra/python-requirements.txt was not recorded for this Python or
    this platform: npm run setup:record
    ${lines}`,
  )
}

/** @param {NodeJS.ProcessEnv} env @returns {Promise<number>} n of Python 3.n */
async function pythonMinor(env) {
  const print = 'import sys; print(sys.version_info.minor)'
  const { code, output } = await run('python3', ['-c', print], {
    env,
    timeoutMs: VERSION_TIMEOUT_MS,
  })
  const minor = Number(output.trim())
  if (code === 0 && minor >= MINOR_LEAST) return minor
  const found = code === 0 ? `python3 is 3.${minor}` : `python3 does not work: ${output.trim()}`
  throw new SetupProblem(
    `The tests need Python 3.${MINOR_LEAST} or newer, because the clients of others that they use do; ${found}. Install it, for example: apt-get install python3.${MINOR_LEAST}; npm start needs any Python 3.`,
  )
}
