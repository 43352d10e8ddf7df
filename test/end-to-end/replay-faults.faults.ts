import { after, before, describe, test } from 'node:test'
import { nameOf } from '../faults/fault-points.ts'
import { ReplayFaults, type Strike } from '../faults/replay-faults.ts'

/** Every side effect: npm run test:faults. */
const points: readonly Strike[] = [
  ['SIGKILL', { when: 'after', effect: 'cut query', time: 1 }],
  ['SIGKILL', { when: 'before', effect: 'set pointer', time: 1 }],
  ['SIGSTOP', { when: 'before', effect: 'start query', time: 1 }],
  ['SIGSTOP', { when: 'before', effect: 'freeze rows', time: 1 }],
]

describe('P2, P4, P7: another instance ends what a replay began that is killed or stands still', {
  concurrency: 1,
}, () => {
  let faults: ReplayFaults

  before(async () => {
    const [first] = points
    faults = await ReplayFaults.start({
      namespace: 'replay-faults',
      redisDatabase: 14,
      first: first as Strike,
    })
  })
  after(() => faults?.stop())

  for (const [index, [signal, point]] of points.entries()) {
    test(`${signal} ${nameOf(point)}`, () => faults.pass(signal, [point], points[index + 1]))
  }
})
