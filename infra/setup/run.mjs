/**
 * `node infra/setup/run.mjs [script.ts [arguments]]`: brings the machine to where the script can
 * run, then runs it with the Node.js that package.json pins. Plain JavaScript, because it starts
 * on whatever Node.js (20 or newer) the machine has, before any package is installed.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exists } from './cache.mjs'
import { fetchComponents } from './fetch.mjs'
import { installNpmPackages } from './npm-packages.mjs'
import { missingPrerequisites } from './prerequisites.mjs'
import { SetupProblem } from './problem.mjs'
import { generateProtobufCode } from './protobuf.mjs'
import { installPythonPackages } from './python-packages.mjs'

/**
 * Scripts that need npm's packages and nothing else. The doctor has to run where things are missing:
 * it says so itself. Images fetch what they are made of while they are built.
 */
const WITHOUT_COMPONENTS = [
  'infra/local/doctor.ts',
  'infra/local/reset.ts',
  'infra/images/build.ts',
]

const root = fileURLToPath(new URL('../..', import.meta.url))
const [script, ...args] = process.argv.slice(2)

try {
  const environment = await setUp(script ?? '')
  if (script !== undefined) process.exitCode = await runScript(script, args, environment)
} catch (error) {
  if (!(error instanceof SetupProblem)) throw error
  console.error(`\n${error.message}\n`)
  process.exitCode = 1
}

/**
 * @param {string} script
 * @returns {Promise<NodeJS.ProcessEnv>} where the components are
 */
async function setUp(script) {
  const lenient = WITHOUT_COMPONENTS.includes(script)
  const missing = await missingPrerequisites()
  const npm = !missing.some((sentence) => /^(npm|Node)/.test(sentence))
  if (missing.length > 0 && !(lenient && npm)) {
    throw new SetupProblem(`Kappa needs what this machine lacks:\n  - ${missing.join('\n  - ')}`)
  }
  await installNpmPackages(root)
  if (lenient) return {}
  const isTest = script === 'test/run.ts'
  const helm = isTest ? ['helm', 'helm-3'] : []
  const folders = await fetchComponents(['kafka', 'spark', 'object-store', 'valkey', ...helm])
  if (await exists(join(root, 'packages', 'spark-connect', 'scripts'))) {
    await generateProtobufCode(root, folders.spark ?? '')
  }
  return {
    ...(isTest && {
      KAPPA_PYTHON_PACKAGES_FOLDER: await installPythonPackages(),
      KAPPA_HELM: join(folders.helm ?? '', 'helm'),
      KAPPA_HELM_3: join(folders['helm-3'] ?? '', 'helm'),
    }),
    KAPPA_KAFKA_JARS_FOLDER: folders.kafka,
    KAPPA_SPARK_JARS_FOLDER: folders.spark,
    KAPPA_WEED: join(folders['object-store'] ?? '', 'weed'),
    KAPPA_VALKEY_SERVER: join(folders.valkey ?? '', 'valkey-server'),
  }
}

/**
 * @param {string} script
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} its exit code, 128 + signal if one ended it
 */
function runScript(script, args, env) {
  const bin = join(root, 'node_modules', '.bin')
  return new Promise((resolve, reject) => {
    const child = spawn(join(bin, 'node'), [join(root, script), ...args], {
      stdio: 'inherit',
      env: { ...process.env, ...env, PATH: `${bin}:${process.env.PATH}` },
    })
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      process.on(signal, () => child.kill(signal))
    }
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}
