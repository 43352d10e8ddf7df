import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readZipEntries } from './zip.ts'

const packageFolder = dirname(dirname(fileURLToPath(import.meta.url)))
const generatedFolder = join(packageFolder, 'generated')
const require = createRequire(import.meta.url)

/**
 * Generates the protobuf-es code of Spark Connect from the definitions inside the Spark Connect jar,
 * so that client and server always speak the same version.
 *
 * @param jarsFolder folder that holds `spark-connect_*.jar`
 * @returns folder of the generated code, which is replaced as a whole
 */
async function generate(jarsFolder: string): Promise<string> {
  const jar = await findConnectJar(jarsFolder)
  const protos = await readZipEntries(
    jar,
    (name) =>
      /^spark\/connect\/\w+\.proto$/.test(name) || name === 'google/rpc/error_details.proto',
  )
  if (!protos.has('spark/connect/base.proto')) {
    throw new Error(
      `${jar} holds no spark/connect/base.proto: it is not a Spark Connect server jar`,
    )
  }
  const work = await mkdtemp(join(packageFolder, '.generate-'))
  try {
    for (const [name, text] of protos) {
      const file = join(work, 'proto', name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    }
    await promisify(execFile)(bufBinary(), [
      'generate',
      join(work, 'proto'),
      '--template',
      JSON.stringify(template(join(work, 'generated'))),
    ])
    await rm(generatedFolder, { recursive: true, force: true })
    await rename(join(work, 'generated'), generatedFolder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return generatedFolder
}

async function findConnectJar(jarsFolder: string): Promise<string> {
  const names = (await readdir(jarsFolder)).filter((name) => /^spark-connect_.*\.jar$/.test(name))
  const [name, ...others] = names
  if (name === undefined || others.length > 0) {
    throw new Error(
      `expected one spark-connect_*.jar in ${jarsFolder}, found ${names.join(', ') || 'none'}`,
    )
  }
  return join(jarsFolder, name)
}

function template(out: string): object {
  const plugin = join(
    dirname(require.resolve('@bufbuild/protoc-gen-es/package.json')),
    'bin/protoc-gen-es',
  )
  return {
    version: 'v2',
    plugins: [
      { local: [process.execPath, plugin], out, opt: ['target=js+dts', 'import_extension=js'] },
    ],
  }
}

/** The platform package's own binary: its npm wrapper needs a Node on the path and an install script. */
function bufBinary(): string {
  const arch = process.platform === 'linux' && process.arch === 'arm64' ? 'aarch64' : process.arch
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const name = `@bufbuild/buf-${process.platform}-${arch}/bin/buf${suffix}`
  return createRequire(require.resolve('@bufbuild/buf/package.json')).resolve(name)
}

const jarsFolder = process.env.KAPPA_SPARK_JARS_FOLDER
if (!jarsFolder) {
  console.error(
    'KAPPA_SPARK_JARS_FOLDER is not set: set it to the folder that holds the Spark jars (spark-connect_*.jar)',
  )
  process.exitCode = 1
} else {
  console.log(`generated ${await generate(jarsFolder)}`)
}
