import { Code, ConnectError, type Interceptor, type Transport } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'

export type TransportOptions = {
  /** `host:port` (plain HTTP/2) or a URL `http://…` / `https://…`. */
  address: string
  /** Sent as `Authorization: Bearer …`; server setting `spark.connect.authenticate.token`. */
  token?: string
  /** Largest message of either direction. Default 128 MiB, Spark's own default for what it takes in. */
  messageBytesMax?: number
  /** HTTP/2 ping while calls are open, to notice a dead peer. Default 30,000. */
  pingIntervalMs?: number
}

/** A gRPC transport: connects at the first call and again after a broken connection. */
export type SparkTransport = {
  transport: Transport
  /** Breaks the connection and all calls on it; an idle one would keep the process alive. */
  close: () => void
}

export function createSparkTransport(options: TransportOptions): SparkTransport {
  const { address, token, messageBytesMax = 128 * 1024 * 1024, pingIntervalMs = 30_000 } = options
  const baseUrl = /^https?:\/\//.test(address) ? address : `http://${address}`
  if (!URL.canParse(baseUrl) || new URL(baseUrl).port === '') {
    throw new TypeError(
      `Spark Connect address "${address}": expected host:port, e.g. 127.0.0.1:15002`,
    )
  }
  const sessionManager = new Http2SessionManager(baseUrl, { pingIntervalMs })
  let closed = false
  // A call after the close would open a connection again, which no one would close.
  const whileOpen: Interceptor = (next) => (request) => {
    if (closed) throw new ConnectError('the session object was detached', Code.Canceled)
    return next(request)
  }
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    interceptors: [whileOpen, ...(token === undefined ? [] : [bearer(token)])],
    readMaxBytes: messageBytesMax,
    writeMaxBytes: messageBytesMax,
  })
  return {
    transport,
    close: () => {
      closed = true
      sessionManager.abort()
    },
  }
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set('Authorization', `Bearer ${token}`)
    return next(request)
  }
}
