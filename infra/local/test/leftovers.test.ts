import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { writePidFile } from '@kappa/processes/pid-file'
import { startTimeOf } from '@kappa/processes/process-identity'
import { firstOutput } from '@kappa/test/first-output'
import { sweepLeftovers } from '../leftovers.ts'
import { waitFor } from '../wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'kappa-leftovers-'))
const started: ChildProcess[] = []
after(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

test('a run that is killed takes its stack with it', async () => {
  const script = join(import.meta.dirname, 'hold-stack.ts')
  const run = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(run)
  const pids: number[] = JSON.parse(await firstOutput(run))
  assert.equal(pids.length, 3)
  run.kill('SIGKILL')
  await once(run, 'exit')
  await waitFor(
    'the end of Kafka, the object store and Redis',
    async () => pids.every((pid) => startTimeOf(pid) === undefined) || undefined,
    { timeoutMs: 10_000 },
  )
})

test('what a killed run left is ended at the next start', async () => {
  const left = spawn('sleep', ['600'], { detached: true })
  started.push(left)
  await once(left, 'spawn')
  const pid = left.pid ?? 0
  writePidFile(join(folder, 'run', 'sleeper.pid'), pid)

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
