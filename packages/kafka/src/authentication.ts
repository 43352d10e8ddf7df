import { KafkaError } from './port.ts'

/** Names of the client libraries' errors for credentials that a broker refuses. */
const REFUSED_NAMES = new Set(['KafkaJSSASLAuthenticationError', 'AuthenticationError'])
const REFUSED_TYPES = new Set(['SASL_AUTHENTICATION_FAILED'])

/** Node's codes for a broker's certificate that cannot be trusted. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/**
 * Why the two sides do not trust each other, which trying again does not change; undefined for any
 * other error.
 */
export function authenticationProblem(error: unknown): string | undefined {
  const chain = chainOf(error)
  const told = chain.find(
    (link) => link instanceof KafkaError && link.code === 'authentication_failed',
  )
  if (told) return told.message
  for (const link of chain) {
    const { name, type, message } = link as Error & { type?: string }
    const { code: anyCode } = link as { code?: unknown }
    // Kafka's own codes are numbers.
    const code = typeof anyCode === 'string' ? anyCode : ''
    if (REFUSED_NAMES.has(name) || REFUSED_TYPES.has(type ?? '')) return message
    if (type === 'UNSUPPORTED_SASL_MECHANISM') {
      return `${message}. Check the mechanism (KAPPA_KAFKA_SASL_MECHANISM)`
    }
    if (UNTRUSTED.has(code)) {
      return `the broker's certificate cannot be trusted (${code}: ${plain(message)}). Check the authorities (KAPPA_KAFKA_TLS_CA_FILE) and the name in the certificate`
    }
    if (code.startsWith('ERR_SSL_') && /ALERT/.test(code)) {
      return `the broker refused the TLS connection (${code}). Check the client's certificate (KAPPA_KAFKA_TLS_CERT_FILE) and that the listener speaks TLS`
    }
  }
  return undefined
}

function plain(message: string): string {
  return message.replace(/^Connection error: /, '')
}

function chainOf(error: unknown): Error[] {
  const chain: Error[] = []
  let current = error
  while (current instanceof Error && chain.length < 10) {
    chain.push(current)
    current = current.cause
  }
  return chain
}
