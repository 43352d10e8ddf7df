import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const permissions = { groupOrOthersRead: 0o044, groupOrOthersEnter: 0o011 } as const

/** The texts of all files at a path that somebody else than their owner can read. */
export function readableByOthers(path: string): string[] {
  const { mode, size } = statSync(path)
  if (statSync(path).isDirectory()) {
    if ((mode & permissions.groupOrOthersEnter) === 0) return []
    return readdirSync(path).flatMap((name) => readableByOthers(join(path, name)))
  }
  if ((mode & permissions.groupOrOthersRead) === 0 || size === 0) return []
  return [readFileSync(path, 'latin1')]
}
