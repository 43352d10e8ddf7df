/**
 * `npm run images -- [name…]`: builds images, by default those of Kappa itself, and says what they
 * took. Base images by NODE_IMAGE and JRE_IMAGE in the environment.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

interface Image {
  readonly tag: string
  /** From the root of the repository. */
  readonly dockerfile: string
  readonly target: string
}

const root = join(import.meta.dirname, '..', '..')
const baseImages = ['NODE_IMAGE', 'JRE_IMAGE']
const commandTimeoutMs = 60_000

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const dockerfile = 'infra/images/Dockerfile'
const images: Readonly<Record<string, Image>> = {
  services: { tag: `kappa-services:${version}`, dockerfile, target: 'services' },
  spark: { tag: `kappa-spark:${version}`, dockerfile, target: 'spark' },
}

const names = process.argv.length > 2 ? process.argv.slice(2) : ['services', 'spark']
const unknown = names.filter((name) => images[name] === undefined)
if (unknown.length > 0) {
  console.error(
    `No image is named ${unknown.join(', ')}. There are: ${Object.keys(images).join(', ')}.`,
  )
  process.exit(2)
}
const labels = await provenance()
const built: { image: string; seconds: number; megabytes: number }[] = []
for (const name of names) {
  const image = images[name] as Image
  const started = Date.now()
  await build(image)
  const seconds = Math.round((Date.now() - started) / 100) / 10
  built.push({ image: image.tag, seconds, megabytes: await megabytesOf(image.tag) })
}
console.table(built)

async function build({ tag, dockerfile, target }: Image): Promise<void> {
  const bases = baseImages.filter((name) => process.env[name] !== undefined)
  const docker = spawn(
    'docker',
    ['build', '--file', dockerfile, '--target', target, '--tag', tag]
      .concat(bases.flatMap((name) => ['--build-arg', name]))
      .concat(Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]))
      .concat('.'),
    { cwd: root, stdio: 'inherit', env: { ...process.env, DOCKER_BUILDKIT: '1' } },
  )
  const [code] = await once(docker, 'exit')
  if (code === 0) return
  console.error(`\n${tag} was not built: docker build ended with ${code}.`)
  process.exit(1)
}

/** Which sources an image was made of. The time is the commit's: the same sources, the same labels. */
async function provenance(): Promise<Record<string, string>> {
  const prefix = 'org.opencontainers.image'
  const labels = { [`${prefix}.version`]: version }
  const revision = await git('rev-parse', 'HEAD')
  if (revision === undefined) return labels
  const changed = (await git('status', '--porcelain')) !== ''
  return {
    ...labels,
    [`${prefix}.revision`]: changed ? `${revision}-modified` : revision,
    [`${prefix}.created`]: (await git('show', '--no-patch', '--format=%cI', 'HEAD')) ?? '',
  }
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
