import { ConfigError } from './config.ts'
import { redact } from './redact.ts'

/** A running service. */
export interface Service {
  readonly url: string
  /** Rejects when a part has died that the service cannot do without. */
  readonly failed: Promise<never>
  /** Stops accepting, finishes what was accepted, closes everything. Idempotent and bounded in time. */
  stop(): Promise<void>
}

/**
 * Runs a service as a process: starts it, stops it on SIGTERM or SIGINT, and ends with status 1
 * when it cannot start or a part of it dies, so that whoever supervises it sees the failure. A start
 * that waits for something gives up when its signal is aborted.
 */
export async function runService(
  name: string,
  start: (signal: AbortSignal) => Promise<Service>,
): Promise<void> {
  const stop = new AbortController()
  const stopSignal = nextSignal(['SIGTERM', 'SIGINT']).then(() => {
    stop.abort()
    endAnywayAfter(stopMsMax, name)
  })
  let service: Service
  try {
    service = await start(stop.signal)
  } catch (error) {
    if (stop.signal.aborted) process.exit(0)
    process.stderr.write(`${name} could not start: ${describe(error)}\n`)
    process.exit(1)
  }
  process.stdout.write(`${JSON.stringify({ service: name, listening: service.url })}\n`)
  try {
    await Promise.race([stopSignal, service.failed])
    await service.stop()
    process.exit(0)
  } catch (error) {
    process.stderr.write(`${name} failed: ${describe(error)}\n`)
    endAnywayAfter(stopMsMax, name)
    await service.stop().catch((stopError: unknown) => {
      process.stderr.write(`${name} could not stop in order: ${describe(stopError)}\n`)
    })
    process.exit(1)
  }
}

/** Above every time-out inside a stop; reached only by a defect. */
const stopMsMax = 60_000

function endAnywayAfter(milliseconds: number, name: string): void {
  const end = () => {
    process.stderr.write(`${name} did not stop within ${milliseconds} ms; ending it.\n`)
    process.exit(1)
  }
  setTimeout(end, milliseconds).unref()
}

function nextSignal(signals: readonly NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve())
  })
}

function describe(error: unknown): string {
  if (error instanceof ConfigError) return redact(error.message)
  return redact(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
