/**
 * Steps on the terminal: what is being done, a bar where there is a total, and its seconds.
 * On a TTY the line is redrawn; elsewhere a step is one line when it ends, and one when it
 * starts if it lasts, so that a log stays short.
 */

const SHOW_AFTER_MS = 1000
const REDRAW_MS = 100
const BAR_WIDTH = 24

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`
}

/** @param {number} done @param {number} total */
function bar(done, total) {
  const part = total > 0 ? Math.min(1, done / total) : 0
  const filled = Math.round(part * BAR_WIDTH)
  const percent = String(Math.floor(part * 100)).padStart(3)
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${percent} %`
}

/**
 * @typedef {object} Report
 * @property {(done: number, total: number) => void} progress units are the step's own
 * @property {(detail: string) => void} detail what is being waited for, shown behind the title
 */

/**
 * Runs one step and shows it. A step that takes less than a second leaves no line.
 *
 * @template T
 * @param {string} title
 * @param {(report: Report) => T | Promise<T>} work
 * @param {{ stream?: NodeJS.WriteStream, quiet?: boolean }} [options]
 * @returns {Promise<T>}
 */
export async function step(title, work, options = {}) {
  const stream = options.stream ?? process.stderr
  const quiet = options.quiet === true
  const redraws = stream.isTTY === true && !quiet
  const started = Date.now()
  let detail = ''
  let progress = ''
  let announced = false

  const draw = () => {
    const elapsed = Date.now() - started
    if (elapsed < SHOW_AFTER_MS || quiet) return
    if (redraws) {
      const text = [title, progress, detail, seconds(elapsed)].filter((part) => part !== '')
      stream.write(`\r\x1b[2K  ${text.join('  ').slice(0, (stream.columns ?? 100) - 3)}`)
    } else if (!announced) {
      stream.write(`  ${title} ...\n`)
    }
    announced = true
  }
  const timer = setInterval(draw, redraws ? REDRAW_MS : SHOW_AFTER_MS)
  timer.unref()

  const end = (/** @type {string} */ outcome) => {
    clearInterval(timer)
    if (redraws && announced) stream.write('\r\x1b[2K')
    const elapsed = Date.now() - started
    const shown = !quiet && (elapsed >= SHOW_AFTER_MS || outcome === 'failed')
    if (shown) stream.write(`  ${title}: ${outcome}, ${seconds(elapsed)}\n`)
  }
  try {
    const result = await work({
      progress(done, total) {
        progress = bar(done, total)
      },
      detail(text) {
        detail = text
      },
    })
    end('done')
    return result
  } catch (error) {
    end('failed')
    throw error
  }
}
