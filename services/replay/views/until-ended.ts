import { SparkError } from '@kappa/spark-connect/errors'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'

const ASK_MS = 1_000

/**
 * Waits for a query that ends by itself. It is stopped when that takes too long or is called off.
 * @returns what it failed with, if it has
 * @throws Error when it was stopped
 */
export async function untilEnded(
  query: StreamingQuery,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<SparkError | undefined> {
  const deadline = Date.now() + timeoutMs
  try {
    while (!(await query.awaitTermination(ASK_MS))) {
      if (!signal.aborted && Date.now() < deadline) continue
      await query.stop()
      const why = signal.aborted ? 'it was called off' : `it had not ended after ${timeoutMs} ms`
      throw new Error(`The query ${query.name} was stopped because ${why}.`)
    }
  } catch (error) {
    if (error instanceof SparkError) return error
    throw error
  }
}
