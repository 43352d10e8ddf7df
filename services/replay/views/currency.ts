import type { OffsetsByTopic } from '@kappa/applications/offsets'

interface Sample {
  readonly takenAt: number
  readonly ends: OffsetsByTopic
}

const samplesMax = 3_600

/**
 * Says up to which moment rows at a position are current: where the log ended is sampled again and
 * again, and the newest sample that a position covers tells the time.
 */
export class Currency {
  #samples: Sample[] = []
  #currentAt: number

  /** @param since epoch ms from which nothing older is claimed (the last known answer). */
  constructor(since: number) {
    this.#currentAt = since
  }

  /** `takenAt` is a time (epoch ms) before the ends were read. */
  addSample(takenAt: number, ends: OffsetsByTopic): void {
    this.#samples.push({ takenAt, ends })
    // When a query lags for longer than this, every second sample still tells the truth, more coarsely.
    if (this.#samples.length > samplesMax)
      this.#samples = this.#samples.filter((_, index) => index % 2 === 0)
  }

  /** Epoch ms: every event that was in the log by then is covered. */
  currentAt(position: OffsetsByTopic): number {
    const index = this.#samples.findLastIndex(({ ends }) => covers(position, ends))
    const sample = this.#samples[index]
    if (sample) {
      this.#currentAt = Math.max(this.#currentAt, sample.takenAt)
      this.#samples = this.#samples.slice(index)
    }
    return this.#currentAt
  }
}

function covers(position: OffsetsByTopic, ends: OffsetsByTopic): boolean {
  return Object.entries(ends).every(([topic, offsets]) =>
    Object.entries(offsets).every(
      ([partition, end]) => BigInt(position[topic]?.[partition] ?? 0) >= BigInt(end),
    ),
  )
}
