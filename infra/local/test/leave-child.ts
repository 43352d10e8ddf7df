/** Run by leftovers.test.ts, which kills it: starts a child and prints its pid. */
import { startChild } from '../child.ts'

const folder = process.argv[2] ?? ''
const folders = { logs: `${folder}/logs`, pids: `${folder}/run` }
const child = await startChild(
  {
    name: 'sleeper',
    command: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1000)'],
    ready: async () => true,
    readyTimeoutMs: 10_000,
    stopTimeoutMs: 5_000,
  },
  folders,
)
process.stdout.write(`${child.pid}\n`)
setInterval(() => undefined, 1_000)
