import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startGuarded } from '@kappa/processes/guarded-process'
import { startTimeOf } from '@kappa/processes/process-identity'
import { firstOutput } from '@kappa/test/first-output'

const TIMEOUT_MS = 10_000

const folder = mkdtempSync(join(tmpdir(), 'kappa-processes-'))
const logFile = join(folder, 'log')
const output = openSync(logFile, 'a')
after(() => {
  closeSync(output)
  rmSync(folder, { recursive: true, force: true })
})

/** The number in a line of the log, once it is there. */
async function logged(line: RegExp): Promise<number> {
  const deadline = Date.now() + TIMEOUT_MS
  for (;;) {
    const number = line.exec(readFileSync(logFile, 'utf8'))?.[1]
    if (number !== undefined) return Number(number)
    assert.ok(Date.now() < deadline, `the log has no ${line}`)
    await delay(20)
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS
  while (startTimeOf(pid) !== undefined) {
    assert.ok(Date.now() < deadline, `process ${pid} is still there`)
    await delay(20)
  }
}

test('a child ends with its parent, also when that is killed', async () => {
  const script = `
    import { startGuarded } from '@kappa/processes/guarded-process'
    const child = await startGuarded('sleep', ['600'], { output: 2 })
    process.stdout.write(String(child.pid))`
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = Number(await firstOutput(parent))
    assert.notEqual(startTimeOf(pid), undefined, 'the child runs')
    parent.kill(signal)
    await once(parent, 'exit')
    await untilGone(pid)
  }
})

test('how a child has ended is told: its status, its signal, or that it could not be started', async () => {
  const failing = await startGuarded('sh', ['-c', 'echo why; exit 7'], { output })
  assert.equal(await failing.exited, 'ended with 7')
  assert.match(readFileSync(logFile, 'utf8'), /why/)
  const killed = await startGuarded('sleep', ['600'], { output })
  process.kill(killed.pid, 'SIGKILL')
  assert.equal(await killed.exited, 'ended by SIGKILL')
  const missing = await startGuarded('/nowhere/java', [], { output })
  assert.equal(await missing.exited, 'ended with 127')
  assert.match(readFileSync(logFile, 'utf8'), /\/nowhere\/java: not found|\/nowhere\/java: No such/)
})

test('stopping lets a child end in order, and kills one that does not, with its own children', async () => {
  const orderly = await startGuarded(
    'sh',
    ['-c', 'trap "exit 3" TERM; echo "orderly $$"; while :; do sleep 0.1; done'],
    { output },
  )
  await logged(/orderly (\d+)/)
  await Promise.all([orderly.stop(10_000), orderly.stop(10_000)])
  assert.equal(await orderly.exited, 'ended with 3')

  const stubborn = await startGuarded(
    'sh',
    ['-c', 'trap "" TERM; sleep 600 & echo "grandchild $!"; wait'],
    { output },
  )
  const grandchild = await logged(/grandchild (\d+)/)
  await stubborn.stop(200)
  assert.equal(await stubborn.exited, 'ended by SIGKILL')
  await untilGone(stubborn.pid)
  await untilGone(grandchild)
})

test('a child whose guard is killed does not stay behind', async () => {
  const child = await startGuarded('sleep', ['600'], { output })
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  process.kill(Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]), 'SIGKILL')
  assert.equal(await child.exited, 'ended by SIGKILL')
  await untilGone(child.pid)
})
