import type { Output } from './command.ts'

export interface ProgressState {
  /** Of the input; undefined when its size is not known. */
  readonly share: number | undefined
  readonly accepted: number
  readonly rejected: number
}

const barCells = 16
const barIntervalMs = 200
const lineIntervalMs = 5_000

/**
 * Tells how far it is: a bar that is drawn again and again on a terminal, a plain line every few
 * seconds elsewhere.
 */
export class Progress {
  readonly #output: Output
  readonly #state: () => ProgressState
  readonly #startedAtMs = performance.now()
  readonly #timer: NodeJS.Timeout
  #drawn = false

  constructor(output: Output, state: () => ProgressState) {
    this.#output = output
    this.#state = state
    const interval = output.isTTY === true ? barIntervalMs : lineIntervalMs
    this.#timer = setInterval(() => this.#draw(), interval)
  }

  /** Takes the bar away. */
  end(): void {
    clearInterval(this.#timer)
    if (this.#drawn) this.#output.write('\r\u001b[K')
  }

  #draw(): void {
    const state = this.#state()
    const seconds = (performance.now() - this.#startedAtMs) / 1_000
    const text = progressText(state, seconds)
    if (this.#output.isTTY !== true) {
      this.#output.write(`${text}\n`)
      return
    }
    const width = (this.#output.columns ?? 80) - 1
    const bar = state.share === undefined ? '' : `${drawBar(state.share)} `
    this.#output.write(`\r\u001b[K${`${bar}${text}`.slice(0, width)}`)
    this.#drawn = true
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

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

function showSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

function drawBar(share: number): string {
  const full = Math.min(barCells, Math.round(share * barCells))
  return `[${'#'.repeat(full)}${'.'.repeat(barCells - full)}]`
}
