import { createRequire } from 'node:module'

interface RequestQueue {
  pending: unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

/** kafkajs's own interval between looks at requests that wait. */
const CHECK_INTERVAL_MS = 10

const { prototype } = createRequire(import.meta.url)(
  'kafkajs/src/network/requestQueue/index.js',
) as { prototype: RequestQueue }

/**
 * kafkajs 2.2.4 looks for waiting requests again and again even when there are none: the delay it
 * computes is negative, which Node takes as 1 ms, so that every connection wakes an idle process a
 * thousand times a second. Here it is scheduled only while a request waits or the broker throttles.
 */
export function scheduleOnlyWhatWaits(): void {
  prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests() {
    const throttledMs = this.throttledUntil - Date.now()
    if (this.throttleCheckTimeoutId || (this.pending.length === 0 && throttledMs <= 0)) return
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null
        this.checkPendingRequests()
      },
      throttledMs > 0 ? throttledMs : CHECK_INTERVAL_MS,
    )
  }
}
