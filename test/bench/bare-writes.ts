import type { Redis } from 'ioredis'
import { row, type ViewName } from './results-rows.ts'

const ROWS_PER_COMMAND = 500
const COMMANDS_IN_FLIGHT = 8

/**
 * The least that keeping rows can be: the same hash and the same sorted sets, made beforehand, as fast
 * as Redis takes them from one client. Returns rows a second.
 */
export async function bareWrites(redis: Redis, view: ViewName, rows: number): Promise<number> {
  const indexes = view === 'ranked' ? 3 : 1
  const commands = Array.from({ length: Math.ceil(rows / ROWS_PER_COMMAND) }, (_, command) => {
    const written: string[] = []
    const added = Array.from({ length: indexes }, (): string[] => [])
    const first = command * ROWS_PER_COMMAND
    for (let number = first; number < Math.min(first + ROWS_PER_COMMAND, rows); number += 1) {
      const one = row(number)
      const key = `"${one.carrier}\0"${one.hour}\0`
      written.push(key, `1|"${one.hour}\0"${one.departures}\0${JSON.stringify(one)}`)
      const entries = [key, `"${one.hour}\0${key}`, `"${one.departures}\0${key}`]
      for (const [index, members] of added.entries()) members.push('0', entries[index] ?? '')
    }
    return { written, added }
  })
  const begun = performance.now()
  const underWay: Promise<unknown>[] = []
  for (const [number, { written, added }] of commands.entries()) {
    const partition = number % 4
    const sent = [
      redis.hset(`bare:${partition}:rows`, ...written),
      ...added.map((members, index) => redis.zadd(`bare:${partition}:index${index}`, ...members)),
    ]
    underWay.push(Promise.all(sent))
    if (underWay.length > COMMANDS_IN_FLIGHT) await underWay.shift()
  }
  await Promise.all(underWay)
  const seconds = (performance.now() - begun) / 1_000
  for (let partition = 0; partition < 4; partition += 1) {
    const keys = ['rows', 'index0', 'index1', 'index2'].map((part) => `bare:${partition}:${part}`)
    await redis.del(...keys)
  }
  return rows / seconds
}
