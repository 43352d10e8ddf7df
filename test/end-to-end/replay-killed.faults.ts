import { after, before, describe, test } from 'node:test'
import { allPoints, type FaultPoint, nameOf } from '../faults/fault-points.ts'
import { ReplayFaults } from '../faults/replay-faults.ts'

const signal = 'SIGKILL'

describe('P2, P4, P7, L1, L3: replay is killed at a side effect, and the next instance ends what it began', {
  concurrency: 1,
}, () => {
  let faults: ReplayFaults

  before(async () => {
    faults = await ReplayFaults.start({
      namespace: 'replay-killed',
      redisDatabase: 12,
      first: [signal, allPoints[0] as FaultPoint],
    })
  })
  after(() => faults?.stop())

  for (const [index, point] of allPoints.entries()) {
    const next = allPoints[index + 1]
    test(nameOf(point), () => faults.pass(signal, point, next && [signal, next]))
  }
})
