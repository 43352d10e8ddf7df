/** The part of autocannon that the benchmark uses; the package has no types of its own. */
declare module 'autocannon' {
  interface Options {
    url: string
    connections: number
    /** Requests in flight on one connection. */
    pipelining?: number
    /** Seconds. */
    duration: number
    /** Requests a second over all connections; left out: as many as are answered. */
    overallRate?: number
    /** Sent in turn, by each connection from the first one on. */
    requests: readonly {
      method?: 'GET' | 'POST'
      path?: string
      headers?: Readonly<Record<string, string>>
      body?: string | Buffer
    }[]
  }
  interface Result {
    '2xx': number
    non2xx: number
    errors: number
    timeouts: number
    /** Seconds. */
    duration: number
    /** Milliseconds. */
    latency: { p50: number; p97_5: number; p99: number }
  }
  export default function autocannon(options: Options): Promise<Result>
}
