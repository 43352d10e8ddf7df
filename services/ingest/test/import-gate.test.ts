import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '@kappa/service/errors'
import { ImportGate, type ImportState } from '../publishing/import-gate.ts'

const empty: ImportState = { closed: false, highestMs: Number.NEGATIVE_INFINITY, placed: [] }
const emptyGate = () => new ImportGate('topic', async () => empty)

/** Records the order in which promises resolve. */
function watch() {
  const seen: string[] = []
  const mark = (name: string, promise: Promise<void>) => promise.then(() => void seen.push(name))
  return { seen, mark, turn: () => new Promise<void>((resolve) => setImmediate(resolve)) }
}

test('a live event waits until the imports before it are written, and comes before those after it', async () => {
  const gate = emptyGate()
  const { seen, mark, turn } = watch()
  await gate.enterImport()
  const live = mark('live', gate.enterLive())
  const later = gate.enterImport().catch((error: unknown) => error)
  await turn()
  assert.deepEqual(seen, [])
  gate.leaveImport()
  await live
  assert.deepEqual(seen, ['live'])
  gate.leaveLive(true)
  const refused = await later
  assert.ok(refused instanceof ServiceError)
  assert.equal(refused.code, 'import_closed')
})

test('a live event that did not reach the log lets the import go on', async () => {
  const gate = emptyGate()
  const { seen, mark, turn } = watch()
  await gate.enterLive()
  const waiting = mark('import', gate.enterImport())
  await turn()
  assert.deepEqual(seen, [])
  gate.leaveLive(false)
  await waiting
  gate.leaveImport()
  await gate.enterImport()
})

test('live events do not wait for each other, nor once the import is closed', async () => {
  const gate = emptyGate()
  await gate.enterLive()
  await gate.enterLive()
  gate.leaveLive(true)
  await gate.enterLive()
  gate.leaveLive(true)
  gate.leaveLive(true)
  await assert.rejects(gate.enterImport(), { code: 'import_closed' })
})

test('the log is read once; a reading that failed is tried again', async () => {
  const answers: (() => ImportState)[] = [
    () => {
      throw new Error('Kafka is away')
    },
    () => ({ closed: false, highestMs: 1_000, placed: [] }),
  ]
  let reads = 0
  const gate = new ImportGate('topic', async () => answers[reads++]?.() ?? empty)
  await assert.rejects(gate.enterImport(), /Kafka is away/)
  await Promise.all([gate.enterImport(), gate.enterImport()])
  assert.equal(reads, 2)
  assert.equal(gate.admit(899, 100), undefined)
  assert.equal(gate.admit(900, 100), 1_000)
  assert.equal(gate.admit(2_000, 0), 2_000)
})
