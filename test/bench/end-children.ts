import { setTimeout as delay } from 'node:timers/promises'
import { signalProcess } from '@kappa/processes/signal-process'
import { descendants } from './processes.ts'

const STOP_TIMEOUT_MS = 30_000
const POLL_MS = 100

/**
 * Ends services that an interrupted part has left: SIGTERM, then SIGKILL. What they have started
 * ends with them. The stack's own children are its business.
 */
export async function endServices(): Promise<void> {
  const services = () =>
    descendants().filter(
      ({ parent, name }) =>
        parent === process.pid &&
        (name === undefined || ['ingest', 'replay', 'results'].includes(name)),
    )
  for (const { pid } of services()) signalProcess(pid, 'SIGTERM')
  const deadline = Date.now() + STOP_TIMEOUT_MS
  while (services().length > 0 && Date.now() < deadline) await delay(POLL_MS)
  for (const { pid } of services()) signalProcess(pid, 'SIGKILL')
}
