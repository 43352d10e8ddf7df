import { setTimeout as delay } from 'node:timers/promises'
import { step } from '../../infra/setup/progress.mjs'
import type { Bench } from './bench-stack.ts'
import type { Figure } from './figures.ts'
import { descendants, sumByName } from './processes.ts'

const SETTLE_MS = 10_000
const MEMORY_MIB_MAX = 3.5 * 1024
const IDLE_PERCENT_AIM = 10
const MIB = 1024 ** 2

/** Memory and, with no event flowing, CPU of the running example, by process. */
export async function benchResident({ options }: Bench): Promise<Figure[]> {
  const idle = await step('Measuring the CPU without events', async () => {
    await delay(SETTLE_MS)
    const before = new Map(descendants().map(({ pid, cpuSeconds }) => [pid, cpuSeconds]))
    const since = performance.now()
    await delay(options.idleSeconds * 1_000)
    const seconds = (performance.now() - since) / 1_000
    return sumByName(
      descendants(),
      ({ pid, cpuSeconds }) => ((cpuSeconds - (before.get(pid) ?? 0)) / seconds) * 100,
    )
  })
  const memory = sumByName(descendants(), ({ residentBytes }) => residentBytes / MIB)
  return [
    {
      what: 'memory (RSS) of the running default',
      value: total(memory),
      unit: 'MiB',
      peer: { what: 'the bound', value: MEMORY_MIB_MAX, unit: 'MiB' },
      note: list(memory, 0),
    },
    {
      what: 'CPU without events, of one core',
      value: total(idle),
      unit: '%',
      peer: { what: 'the aim', value: IDLE_PERCENT_AIM, unit: '%' },
      note: list(idle, 1),
    },
  ]
}

type Sums = ReturnType<typeof sumByName>

function total(sums: Sums): number {
  return sums.reduce((sum, { value }) => sum + value, 0)
}

function list(sums: Sums, digits: number): string {
  return sums.map(({ name, value }) => `${name} ${value.toFixed(digits)}`).join(', ')
}
