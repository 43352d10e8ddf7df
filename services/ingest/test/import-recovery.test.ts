import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IncomingRecord } from '@kappa/kafka/port'
import { ImportGate } from '../publishing/import-gate.ts'
import { recoverImport } from '../publishing/import-recovery.ts'

const recordsMax = 20_000

/** A log of two partitions, written in turns: event 0 to partition 0, event 1 to partition 1, … */
function log(events: number) {
  const partitions: IncomingRecord[][] = [[], []]
  for (let n = 0; n < events; n++) {
    const partition = n % 2
    const headers = {
      'kappa-id': Buffer.from(`id ${n}`),
      'kappa-import': Buffer.from(`${n};${n};0`),
    }
    const offset = BigInt(partitions[partition]?.length ?? 0)
    const place = { topic: 'topic', partition, offset, timestamp: n }
    partitions[partition]?.push({ ...place, key: null, value: null, headers })
  }
  const offsets = (of: (records: IncomingRecord[]) => number) => async () =>
    partitions.map((records, partition) => ({ partition, offset: BigInt(of(records)) }))
  return {
    admin: {
      beginOffsets: offsets(() => 0),
      endOffsets: offsets((records) => records.length),
    },
    readAt: async (_topic: string, partition: number, offset: bigint, max: number) =>
      (partitions[partition] ?? []).slice(Number(offset), Number(offset) + max),
  } as unknown as Parameters<typeof recoverImport>[0]
}

test('the newest events of every partition are known after a restart', async () => {
  const gate = new ImportGate('topic', () => recoverImport(log(100_000), 'topic', recordsMax))
  await gate.enterImport()
  assert.equal(gate.highestMs, 99_999)
  for (const newest of [99_999, 99_998, 80_001, 80_000]) {
    const { partition, offset } = gate.placementOf(`id ${newest}`) ?? {}
    assert.deepEqual([partition, offset], [newest % 2, BigInt(Math.floor(newest / 2))])
  }
  assert.equal(gate.placementOf('id 79999'), undefined)
})
