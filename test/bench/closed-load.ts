import autocannon from 'autocannon'

const WARM_UP_SECONDS = 3

export interface ClosedLoad {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/**
 * GETs over some connections, each asking again as soon as it has its answer.
 * @throws Error when any answer is not 200
 */
export async function closedLoad(
  url: string,
  paths: readonly string[],
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<ClosedLoad> {
  const requests = paths.map((path) => ({ method: 'GET' as const, path }))
  const shoot = (duration: number) =>
    autocannon({ url, pipelining: 1, requests, connections, duration })
  await shoot(WARM_UP_SECONDS)
  const result = await shoot(seconds)
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${failed} requests at ${url} failed.`)
  return {
    perSecond: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}
