import type { IncomingMessage } from 'node:http'

const lengthMax = 200

/**
 * Who sends a request: what the configured header says (of a proxy in front that sets it), else the
 * peer's address.
 */
export function clientOf(request: IncomingMessage, header: string | undefined): string {
  const named = header === undefined ? undefined : request.headers[header]
  const text = Array.isArray(named) ? named[0] : named
  return (text?.trim() || request.socket.remoteAddress || 'unknown').slice(0, lengthMax)
}
