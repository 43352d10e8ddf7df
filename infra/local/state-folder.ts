import { join } from 'node:path'

/** Everything that `npm start` writes, git-ignored. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.KAPPA_STATE_FOLDER ?? join(import.meta.dirname, '..', '..', '.kappa')
}
