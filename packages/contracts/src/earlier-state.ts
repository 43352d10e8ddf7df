import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Texts of the contracts' files by their path in the folder, as in `orders/1.avsc`. */
export type ContractFiles = ReadonlyMap<string, string>

/** The earlier state that contracts are to be compared with cannot be read. */
export class EarlierStateError extends Error {
  readonly code = 'earlier_state_unreadable'

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'EarlierStateError'
  }
}

const revisionPrefix = 'git:'
const gitTimeoutMs = 30_000
const gitOutputBytesMax = 268_435_456
const contractFile = /^[^./][^/]*\/(topic\.yaml|0*[1-9]\d*\.avsc)$/

/**
 * The files of `folder` as they were earlier: `against` is another folder, or `git:` and a
 * revision of the repository that the folder is in, as in `git:origin/main`.
 *
 * @throws EarlierStateError
 */
export function readEarlierState(folder: string, against: string): Promise<ContractFiles> {
  return against.startsWith(revisionPrefix)
    ? readRevision(folder, against.slice(revisionPrefix.length))
    : readContractFiles(against)
}

/** @throws EarlierStateError when the folder cannot be read. */
export async function readContractFiles(folder: string): Promise<ContractFiles> {
  const files = new Map<string, string>()
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    const hint = `give a folder, or a revision of git as in ${revisionPrefix}main`
    throw new EarlierStateError(`${folder} cannot be read (${cause.message}); ${hint}`, { cause })
  })
  for (const topic of entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)) {
    for (const name of await readdir(join(folder, topic))) {
      const path = `${topic}/${name}`
      if (contractFile.test(path)) files.set(path, await readFile(join(folder, path), 'utf8'))
    }
  }
  return files
}

async function readRevision(folder: string, revision: string): Promise<ContractFiles> {
  // A revision that begins with a dash would be taken for an option.
  const known = git(folder, ['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`])
  const commit = known.toString('utf8').trim()
  const listed = git(folder, ['ls-tree', '-r', '-z', commit, '--', '.'])
  const blobs = listed
    .toString('utf8')
    .split('\0')
    .flatMap((line) => {
      const [, hash = '', path = ''] = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? []
      return contractFile.test(path) ? [{ hash, path }] : []
    })
  const content = git(folder, ['cat-file', '--batch'], `${blobs.map((b) => b.hash).join('\n')}\n`)
  const files = new Map<string, string>()
  let at = 0
  for (const { path } of blobs) {
    const headerEnd = content.indexOf('\n', at)
    const size = Number(content.toString('utf8', at, headerEnd).split(' ')[2])
    files.set(path, content.toString('utf8', headerEnd + 1, headerEnd + 1 + size))
    at = headerEnd + 1 + size + 1
  }
  return files
}

function git(folder: string, command: readonly string[], input = ''): Buffer {
  const { error, status, stdout, stderr } = spawnSync('git', ['-C', folder, ...command], {
    input,
    timeout: gitTimeoutMs,
    maxBuffer: gitOutputBytesMax,
  })
  if (error === undefined && status === 0) return stdout
  const reason = error?.message ?? stderr.toString('utf8').trim()
  throw new EarlierStateError(`git ${command[0]} in ${folder}: ${reason}`, { cause: error })
}
