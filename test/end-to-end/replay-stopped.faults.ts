import { after, before, describe, test } from 'node:test'
import { allPoints, type FaultPoint, nameOf } from '../faults/fault-points.ts'
import { ReplayFaults } from '../faults/replay-faults.ts'

const signal = 'SIGSTOP'

describe('P2, P4, P7: replay stands still at a side effect, another instance takes over, and the first one ends without a trace', {
  concurrency: 1,
}, () => {
  let faults: ReplayFaults

  before(async () => {
    faults = await ReplayFaults.start({
      namespace: 'replay-stopped',
      redisDatabase: 13,
      first: [signal, allPoints[0] as FaultPoint],
    })
  })
  after(() => faults?.stop())

  for (const [index, point] of allPoints.entries()) {
    const next = allPoints[index + 1]
    test(nameOf(point), () => faults.pass(signal, point, next && [signal, next]))
  }
})
