import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrFail } from './exec.mjs'
import { withLock } from './lock.mjs'
import { readOrUndefined } from './npm-packages.mjs'
import { step } from './progress.mjs'

const GENERATE_TIMEOUT_MS = 2 * 60_000
const PACKAGE = join('packages', 'spark-connect')

/**
 * Generates the protobuf code of packages/spark-connect from the definitions inside Spark's
 * jar, when it is absent or was made from other inputs.
 *
 * @param {string} root the checkout
 * @param {string} sparkJarsFolder
 */
export async function generateProtobufCode(root, sparkJarsFolder) {
  const folder = join(root, PACKAGE)
  const digest = await inputDigest(folder, sparkJarsFolder)
  const stamp = join(folder, 'generated', '.inputs-sha256')
  if ((await readOrUndefined(stamp)) === digest) return
  await withLock(join(root, '.kappa', 'generate.lock'), GENERATE_TIMEOUT_MS, async () => {
    if ((await readOrUndefined(stamp)) === digest) return
    await step("Generating code from Spark's protobuf definitions", () =>
      runOrFail('npm', ['run', 'generate', '--workspace', PACKAGE], {
        cwd: root,
        env: { ...process.env, KAPPA_SPARK_JARS_FOLDER: sparkJarsFolder },
        timeoutMs: GENERATE_TIMEOUT_MS,
        purpose: 'Generating the protobuf code of packages/spark-connect',
      }),
    )
    await writeFile(stamp, digest)
  })
}

/** @param {string} folder @param {string} sparkJarsFolder */
async function inputDigest(folder, sparkJarsFolder) {
  const hash = createHash('sha256').update(sparkJarsFolder)
  hash.update(await readFile(join(folder, 'package.json')))
  for (const name of (await readdir(join(folder, 'scripts'))).sort()) {
    hash.update(name).update(await readFile(join(folder, 'scripts', name)))
  }
  return hash.digest('hex')
}
