import type { Http } from '@kappa/service/http'
import { readOnly } from '../read-only.ts'

const changes = [
  ['PUT', '/config', 'Compatibility cannot be changed here'],
  ['PUT', '/config/:subject', 'Compatibility cannot be changed here'],
  ['DELETE', '/config', 'Compatibility cannot be changed here'],
  ['DELETE', '/config/:subject', 'Compatibility cannot be changed here'],
  ['PUT', '/mode', 'The mode cannot be changed'],
  ['PUT', '/mode/:subject', 'The mode cannot be changed'],
  ['DELETE', '/mode/:subject', 'The mode cannot be changed'],
  ['DELETE', '/subjects/:subject', 'Subjects cannot be deleted here'],
  ['DELETE', '/subjects/:subject/versions/:version', 'Versions cannot be deleted'],
] as const

/** Everything else that changes a registry: refused, saying where contracts are changed. */
export function refuseChangesRoute(http: Http): void {
  for (const [method, url, what] of changes) {
    const refuse = async () => {
      throw readOnly(what)
    }
    // Before the body is read: whatever it says, the answer is the same.
    http.route({ method, url, schema: { hide: true }, onRequest: refuse, handler: refuse })
  }
}
