import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sweepLeftovers } from '../leftovers.ts'
import { writePidFile } from '../pid-file.ts'
import { startTimeOf } from '../process-identity.ts'

const folder = mkdtempSync(join(tmpdir(), 'kappa-leftovers-'))
const started: ChildProcess[] = []
after(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

test('what a killed run left is ended at the next start', async () => {
  const script = join(import.meta.dirname, 'leave-child.ts')
  const run = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(run)
  const [line] = await once(run.stdout, 'data')
  const pid = Number(line)
  run.kill('SIGKILL')
  await once(run, 'exit')
  assert.notEqual(startTimeOf(pid), undefined, 'the child outlives the run that was killed')

  assert.deepEqual(await sweepLeftovers(join(folder, 'run'), 5_000), ['sleeper'])
  assert.equal(startTimeOf(pid), undefined)
})

test('a process that got the recorded pid later is not touched', async () => {
  const foreign = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true })
  started.push(foreign)
  await once(foreign, 'spawn')
  const pid = foreign.pid ?? 0
  const file = join(folder, 'run', 'kafka.pid')
  writePidFile(file, pid)
  writeFileSync(file, JSON.stringify({ pid, startTime: '1' }))

  assert.deepEqual(await sweepLeftovers(join(folder, 'run'), 1_000), [])
  assert.notEqual(startTimeOf(pid), undefined)
})
