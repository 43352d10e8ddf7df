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

test('events that were not written for sure are in order again', async () => {
  const gate = emptyGate()
  await gate.enterImport()
  gate.admit(1_000, 0)
  gate.leaveImport()
  await gate.enterImport()
  gate.admit(2_000, 0)
  gate.leaveImport({ maybeInLog: false, highestMsBefore: 1_000 })
  await gate.enterImport()
  assert.equal(gate.admit(1_500, 0), 1_500)
})

test('after a doubt, or a failure beside another import, the log tells where the import stands', async () => {
  for (const maybeInLog of [true, false]) {
    const states = [empty, { ...empty, highestMs: 1_500, placed: [placed('one')] }]
    let reads = 0
    const gate = new ImportGate('topic', async () => states[reads++] ?? empty)
    await gate.enterImport()
    const highestMsBefore = gate.highestMs
    await gate.enterImport()
    gate.admit(9_000, 0)
    gate.leaveImport({ maybeInLog, highestMsBefore })
    const { seen, mark, turn } = watch()
    const next = mark('next', gate.enterImport())
    await turn()
    assert.deepEqual(seen, [], 'the other import is still being written')
    gate.leaveImport()
    await next
    assert.equal(reads, 2)
    assert.equal(gate.admit(1_400, 0), undefined)
    assert.equal(gate.admit(1_500, 0), 1_500)
    assert.equal(gate.placementOf('one')?.offset, 7n)
  }
})

test('a live event that comes while the log is read closes the import', async () => {
  const { promise, resolve } = Promise.withResolvers<ImportState>()
  const gate = new ImportGate('topic', () => promise)
  const refused = gate.enterImport().catch((error: unknown) => error)
  await gate.enterLive()
  resolve(empty)
  gate.leaveLive(true)
  assert.equal((await refused) instanceof ServiceError, true)
})

function placed(id: string) {
  return { id, partition: 0, offset: 7n }
}
