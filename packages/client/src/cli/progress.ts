import type { Output } from './command.ts'
import { count, drawBar, showSeconds } from './figures.ts'
import { RedrawnLines } from './redrawn-lines.ts'

export interface ProgressState {
  /** Of the input; undefined when its size is not known. */
  readonly share: number | undefined
  readonly accepted: number
  readonly rejected: number
}

const barIntervalMs = 200
const lineIntervalMs = 5_000

/**
 * Tells how far it is: a bar that is drawn again and again on a terminal, a plain line every few
 * seconds elsewhere.
 */
export class Progress {
  readonly #lines: RedrawnLines
  readonly #timer: NodeJS.Timeout

  constructor(output: Output, state: () => ProgressState) {
    const startedAtMs = performance.now()
    const isTerminal = output.isTTY === true
    this.#lines = new RedrawnLines(output)
    const draw = () => {
      const current = state()
      const text = progressText(current, (performance.now() - startedAtMs) / 1_000)
      const { share } = current
      this.#lines.show([isTerminal && share !== undefined ? `${drawBar(share)} ${text}` : text])
    }
    this.#timer = setInterval(draw, isTerminal ? barIntervalMs : lineIntervalMs)
  }

  /** Takes the bar away. */
  end(): void {
    clearInterval(this.#timer)
    this.#lines.end()
  }
}

/** Pure, for tests. */
export function progressText(state: ProgressState, seconds: number): string {
  const { share, accepted, rejected } = state
  const settled = accepted + rejected
  const parts: string[] = []
  if (share !== undefined) parts.push(`${Math.floor(share * 100)} %`)
  parts.push(`${count(accepted)} accepted`)
  if (rejected > 0) parts.push(`${count(rejected)} rejected`)
  parts.push(`${count(Math.round(settled / Math.max(seconds, 0.001)))} events/s`)
  if (share !== undefined && share > 0.01 && share < 1) {
    parts.push(`${showSeconds((seconds * (1 - share)) / share)} left`)
  }
  return parts.join(', ')
}
