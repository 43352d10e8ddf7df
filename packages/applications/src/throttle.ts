/** How fast all the tasks that read at the same time may pass records, together. */
export interface Throttle {
  readonly eventsPerSecondMax: number
  /** Most tasks that read at the same time: the cores, or the partitions when those are fewer. */
  readonly concurrentTasks: number
}

const SLEEP_SECONDS = 0.1
const PERIOD_MIN = 11

/**
 * A condition over Kafka's columns, as Spark SQL, that every record meets, and for which a task
 * sleeps on every n-th offset of a partition. A query never has more tasks than slots, whatever the
 * number of its streams: where each keeps to its share, all of them keep to the whole.
 *
 * The call is not deterministic to Spark, so it is neither folded, nor pruned, nor moved below or
 * above another operator.
 */
export function throttleCondition({ eventsPerSecondMax, concurrentTasks }: Throttle): string {
  const perTask = eventsPerSecondMax / concurrentTasks
  const every = periodAtMost(perTask * SLEEP_SECONDS)
  const sleepMs = Math.ceil((every / perTask) * 1_000)
  // What `reflect` makes of no result is the text null; a test for null alone could be folded.
  const slept = `coalesce(reflect('java.lang.Thread', 'sleep', ${sleepMs}L), '') != 'never'`
  return `CASE WHEN pmod(offset, ${every}L) = 0 THEN ${slept} ELSE true END`
}

/**
 * A prime, or 1: offsets have gaps, for example the marker of every transaction, and a period that
 * shares no factor with theirs meets as many records as it should. Those below 11 might share one.
 */
function periodAtMost(bound: number): number {
  let candidate = Math.floor(bound)
  while (candidate >= PERIOD_MIN && !isPrime(candidate)) candidate -= 1
  return candidate >= PERIOD_MIN ? candidate : 1
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) {
    if (candidate % divisor === 0) return false
  }
  return true
}
