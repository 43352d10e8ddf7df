/**
 * Codes of the Schema Registry API; the first three digits are the HTTP status. Its clients decide
 * by them, so they are the registry's and not those of errorCatalogue.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html#errors
 */
const codes = {
  bad_request: 400,
  request_timeout: 408,
  body_too_large: 413,
  unsupported_media_type: 415,
  subject_not_found: 40_401,
  version_not_found: 40_402,
  schema_not_found: 40_403,
  invalid_request: 422,
  invalid_schema: 42_201,
  invalid_version: 42_202,
  operation_not_permitted: 42_205,
  internal: 50_001,
} as const satisfies Record<string, number>

export type RegistryErrorName = keyof typeof codes

/** An error as clients of a Schema Registry expect it: `{error_code, message}`. */
export class RegistryError extends Error {
  readonly code: number
  readonly status: number

  constructor(name: RegistryErrorName, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RegistryError'
    this.code = codes[name]
    this.status = this.code < 1_000 ? this.code : Math.floor(this.code / 100)
  }

  toBody(): { error_code: number; message: string } {
    return { error_code: this.code, message: this.message }
  }
}
