import { after, before, describe, test } from 'node:test'
import { chains, type FaultPoint, nameOf } from '../faults/fault-points.ts'
import { ReplayFaults, type Strike } from '../faults/replay-faults.ts'

const signal = 'SIGKILL'

describe('P2, P4, P7, L1, L3: replay is killed at a side effect, and the next instance ends what it began', {
  concurrency: 1,
}, () => {
  let faults: ReplayFaults

  before(async () => {
    faults = await ReplayFaults.start({
      namespace: 'replay-killed',
      redisDatabase: 12,
      first: firstOf(chains[0]) as Strike,
    })
  })
  after(() => faults?.stop())

  for (const [index, chain] of chains.entries()) {
    const next = firstOf(chains[index + 1])
    test(chain.map(nameOf).join(', '), () => faults.pass(signal, chain, next))
  }
})

function firstOf([point]: readonly FaultPoint[] = []): Strike | undefined {
  return point && [signal, point]
}
