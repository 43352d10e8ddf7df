import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, runOrFail } from './exec.mjs'
import { SetupProblem } from './problem.mjs'

const DOWNLOAD_TIMEOUT_MS = 20 * 60_000
const POLL_MS = 250

/**
 * Downloads one distribution from PyPI with pip, which checks the hashes before it opens it.
 *
 * @param {object} wanted
 * @param {string} wanted.requirement for example `pyspark==4.1.1`
 * @param {'source' | 'wheel'} wanted.kind
 * @param {readonly string[]} wanted.sha256 accepted checksums; empty only while recording
 * @param {number} wanted.bytes expected size, for the progress bar; 0 if unknown
 * @param {string} folder where it goes; also holds pip's temporary files
 * @param {import('./progress.mjs').Report} report
 * @returns {Promise<string>} the file
 */
export async function downloadFromPypi(wanted, folder, report) {
  const target = join(folder, 'download')
  const temporary = join(folder, 'temporary')
  await mkdir(target, { recursive: true })
  await mkdir(temporary, { recursive: true })
  const requirements = join(folder, 'requirements.txt')
  const hashes = wanted.sha256.map((hash) => ` --hash=sha256:${hash}`).join('')
  await writeFile(requirements, `${wanted.requirement}${hashes}\n`)

  const watch = setInterval(() => {
    void folderBytes(folder).then((bytes) => report.progress(bytes, wanted.bytes))
  }, POLL_MS)
  try {
    const kind = wanted.kind === 'source' ? '--no-binary' : '--only-binary'
    const { code, output } = await run(
      'python3',
      [
        '-m',
        'pip',
        'download',
        '--no-deps',
        '--no-cache-dir',
        '--disable-pip-version-check',
      ].concat(['--quiet', kind, ':all:', '--dest', target, '--requirement', requirements]),
      { env: { ...process.env, TMPDIR: temporary }, timeoutMs: DOWNLOAD_TIMEOUT_MS },
    )
    if (code !== 0) throw pipProblem(wanted.requirement, output)
  } finally {
    clearInterval(watch)
  }
  const file = (await readdir(target))[0]
  if (file === undefined) throw new SetupProblem(`pip gave no file for ${wanted.requirement}.`)
  return join(target, file)
}

/** @param {string} requirement @param {string} output */
function pipProblem(requirement, output) {
  const expected = /Expected sha256 (\w+)/.exec(output)?.[1]
  const got = /Got\s+(\w+)/.exec(output)?.[1]
  if (expected !== undefined && got !== undefined) {
    return new SetupProblem(
      `${requirement} from PyPI has a wrong checksum.
    expected SHA-256: ${expected}
    got:              ${got}
    What to do: run the command again. If it happens again, the package index serves another
    file than the one recorded in infra/checksums.json: do not use it.`,
    )
  }
  const lines = output.trimEnd().split('\n').slice(-12).join('\n    ')
  return new SetupProblem(
    `pip could not download ${requirement}. Check the network and the proxy, then run again.\n    ${lines}`,
  )
}

/**
 * Copies the run-time dependencies of `infra/jars/<name>/pom.xml` into a folder.
 *
 * @param {string} name
 * @param {Record<string, string>} versions
 * @param {string} folder
 */
export async function copyFromMaven(name, versions, folder) {
  const pom = fileURLToPath(new URL(`../jars/${name}/pom.xml`, import.meta.url))
  const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${versions.mavenDependencyPlugin}`
  await runOrFail(
    'mvn',
    ['--batch-mode', '--quiet', '--file', pom, `${plugin}:copy-dependencies`]
      .concat([`-DoutputDirectory=${folder}`, '-DincludeScope=runtime'])
      .concat(Object.entries(versions).map(([key, value]) => `-D${key}=${value}`)),
    { timeoutMs: DOWNLOAD_TIMEOUT_MS, purpose: `Fetching the jars of ${name} from Maven` },
  )
}

/**
 * Bytes of all files below; files that vanish meanwhile count as nothing.
 *
 * @param {string} folder
 * @returns {Promise<number>}
 */
async function folderBytes(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath ?? entry.path, entry.name)).then(
          (found) => found.size,
          () => 0,
        ),
      ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
