/** `npm run reset`: deletes the data, logs and secrets of `npm start`. The cache of jars stays. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readLivePid } from '@kappa/processes/pid-file'
import { sweepLeftovers } from './leftovers.ts'
import { stateFolder } from './state-folder.ts'

const STOP_TIMEOUT_MS = 10_000

const folder = stateFolder()
const holder = readLivePid(join(folder, 'stack.pid'))
if (holder !== undefined) {
  console.error(`Kappa runs, as process ${holder}. Stop it first (Ctrl-C, or: kill ${holder}).`)
  process.exitCode = 1
} else if (existsSync(folder)) {
  await sweepLeftovers(join(folder, 'run'), STOP_TIMEOUT_MS)
  rmSync(folder, { recursive: true, force: true })
  console.log(`Deleted ${folder}.`)
} else {
  console.log('Nothing to delete.')
}
