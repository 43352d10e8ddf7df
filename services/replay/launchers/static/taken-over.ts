import { ClusterError } from '../launcher.ts'
import type { SlotProcess } from './slot-process.ts'

export class TakenOverError extends ClusterError {}

/** @throws TakenOverError an instance of a newer epoch is at work */
export async function refuseNewer(process: SlotProcess, epoch: number): Promise<void> {
  const newest = await process.newestEpoch()
  if (newest <= epoch) return
  throw new TakenOverError(
    `Another instance of replay has taken over (epoch ${newest}, this one has ${epoch}); no cluster is started here any more.`,
  )
}
