import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { SetupProblem } from './problem.mjs'

/** @typedef {Record<string, string>} Checksums file name -> SHA-256, lower-case hex */

const STAMP_FILE = '.verified.json'

/** @param {string} file @returns {Promise<string>} SHA-256, lower-case hex */
export async function sha256(file) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** @param {string} folder @returns {Promise<Checksums>} of the files directly in it, sorted by name */
export async function checksumsOf(folder) {
  /** @type {Checksums} */
  const checksums = {}
  for (const name of await fileNames(folder)) checksums[name] = await sha256(join(folder, name))
  return checksums
}

/** @param {string} folder */
async function fileNames(folder) {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name !== STAMP_FILE)
    .map((entry) => entry.name)
    .sort()
}

/**
 * Reads every file and compares it with what is recorded. Writes the stamp that makes the next
 * check cheap.
 *
 * @param {string} folder
 * @param {Checksums} expected
 * @throws {SetupProblem} names the first file that is wrong, missing or not recorded
 */
export async function verifyFolder(folder, expected) {
  const names = await fileNames(folder)
  for (const [name, checksum] of Object.entries(expected)) {
    if (!names.includes(name)) throw wrong(folder, name, checksum, 'no such file')
    const got = await sha256(join(folder, name))
    if (got !== checksum) throw wrong(folder, name, checksum, got)
  }
  const unknown = names.find((name) => expected[name] === undefined)
  if (unknown !== undefined) {
    throw wrong(folder, unknown, 'no file of this name', await sha256(join(folder, unknown)))
  }
  await writeFile(join(folder, STAMP_FILE), JSON.stringify(await sizesAndTimes(folder)))
}

/** @param {string} folder @param {string} name @param {string} expected @param {string} got */
function wrong(folder, name, expected, got) {
  return new SetupProblem(
    `${join(folder, name)} has a wrong checksum.
    expected SHA-256: ${expected}
    got:              ${got}
    What to do: delete the folder ${folder} and run the command again. If it happens again,
    the registry serves another file than the one recorded in infra/checksums.json: do not use it.
    Only after changing infra/versions.json on purpose, record anew with: npm run setup:record`,
  )
}

/**
 * Cheap check for every start: sizes and times are those of the full verification; anything
 * else leads to a full one.
 *
 * @param {string} folder
 * @param {Checksums} expected
 */
export async function verifyUnlessStamped(folder, expected) {
  const stamp = await readStamp(folder)
  if (stamp === JSON.stringify(await sizesAndTimes(folder))) return
  await verifyFolder(folder, expected)
}

/** @param {string} folder */
async function readStamp(folder) {
  try {
    return await readFile(join(folder, STAMP_FILE), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** @param {string} folder */
async function sizesAndTimes(folder) {
  /** @type {Record<string, [number, number]>} */
  const found = {}
  for (const name of await fileNames(folder)) {
    const { size, mtimeMs } = await stat(join(folder, name))
    found[name] = [size, mtimeMs]
  }
  return found
}
