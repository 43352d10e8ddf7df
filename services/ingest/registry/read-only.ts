import { RegistryError } from './registry-error.ts'

/** What everything that would change the registry is answered with. */
export function readOnly(what: string): RegistryError {
  return new RegistryError(
    'operation_not_permitted',
    `${what}: contracts live in git. Add or change schemas/<topic>/<n>.avsc and topic.yaml there, and start ingest with them.`,
  )
}
