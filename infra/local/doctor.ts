/** `npm run doctor`: what is missing or in the way; exit code 1 if there is anything. */
import { existsSync, mkdirSync, readdirSync, statfsSync } from 'node:fs'
import { freemem, homedir } from 'node:os'
import { basename, join } from 'node:path'
import { pidFilesIn, readLivePid } from '@kappa/processes/pid-file'
import { isFree } from '@kappa/processes/ports'
import { missingPrerequisites } from '../setup/prerequisites.mjs'
import { stateFolder } from './state-folder.ts'

const GIB = 1024 ** 3
const DISK_BYTES_LEAST = 4 * GIB
const MEMORY_BYTES_LEAST = 3.5 * GIB
const PORTS = {
  Kafka: 9092,
  'object store': 8333,
  Redis: 6379,
  ingest: 4001,
  replay: 4002,
  results: 4003,
}

const problems: string[] = await missingPrerequisites()
const notes: string[] = []
const folder = stateFolder()
mkdirSync(folder, { recursive: true, mode: 0o700 })

const disk = statfsSync(folder)
const diskBytes = disk.bavail * disk.bsize
if (diskBytes < DISK_BYTES_LEAST) {
  problems.push(`${folder} has ${gib(diskBytes)} of disk left, 4 GiB are needed: free some space.`)
}
if (freemem() < MEMORY_BYTES_LEAST) {
  problems.push(`${gib(freemem())} of memory are free, 3.5 GiB are needed: end other programs.`)
}

const holder = readLivePid(join(folder, 'stack.pid'))
if (holder !== undefined) {
  notes.push(`Kappa runs, as process ${holder}.`)
} else {
  for (const file of pidFilesIn(join(folder, 'run'))) {
    const pid = readLivePid(file)
    if (pid === undefined) continue
    notes.push(
      `${basename(file, '.pid')} (process ${pid}) was left by a run that crashed; npm start ends it.`,
    )
  }
  for (const [name, port] of Object.entries(PORTS)) {
    if (await isFree(port)) continue
    notes.push(`Port ${port} (${name}) is taken by another program; npm start finds another one.`)
  }
}

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kappa')
const cached = existsSync(cache) ? readdirSync(cache).filter((name) => !name.startsWith('.')) : []
notes.push(
  cached.length === 0 ? `${cache} is empty: npm start fills it.` : `${cache}: ${cached.join(', ')}`,
)

for (const note of notes) console.log(`  ${note}`)
for (const problem of problems) console.error(`! ${problem}`)
console.log(problems.length === 0 ? 'Nothing is in the way.' : `${problems.length} problem(s).`)
process.exitCode = problems.length === 0 ? 0 : 1

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`
}
