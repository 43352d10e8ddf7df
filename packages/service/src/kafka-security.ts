import { createSecureContext } from 'node:tls'
import type { ConfigReader } from './config.ts'

/** How a service shows Kafka who it is, and how it knows Kafka. Holds secrets: never log it. */
export interface KafkaSecuritySettings {
  readonly tls?: {
    /** PEM; left out: the system's authorities. */
    readonly ca?: string
    /** PEM of the client's chain and key. */
    readonly client?: { readonly certificate: string; readonly key: string }
  }
  readonly sasl?: SaslSettings
}

type SaslSettings =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'oauthbearer'
      readonly tokenUrl: string
      readonly clientId: string
      readonly clientSecret: string
      readonly scope?: string
    }

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const
const TLS_FILES = ['CA', 'CERT', 'KEY'].map((part) => `KAPPA_KAFKA_TLS_${part}_FILE`)
const PASSWORD_NAMES = ['KAPPA_KAFKA_SASL_USERNAME', 'KAPPA_KAFKA_SASL_PASSWORD_FILE']
const OAUTH_NAMES = ['TOKEN_URL', 'CLIENT_ID', 'CLIENT_SECRET_FILE', 'SCOPE'].map(
  (part) => `KAPPA_KAFKA_OAUTH_${part}`,
)
/** Where somebody may put a secret that has to be in a file. */
const SECRETS_IN_ENVIRONMENT = {
  KAPPA_KAFKA_SASL_PASSWORD: 'KAPPA_KAFKA_SASL_PASSWORD_FILE',
  KAPPA_KAFKA_OAUTH_CLIENT_SECRET: 'KAPPA_KAFKA_OAUTH_CLIENT_SECRET_FILE',
  KAPPA_KAFKA_TLS_KEY: 'KAPPA_KAFKA_TLS_KEY_FILE',
}

/** undefined: plain text, without authentication. What is contradictory is rejected by name. */
export function readKafkaSecurity(read: ConfigReader): KafkaSecuritySettings | undefined {
  for (const [name, fileName] of Object.entries(SECRETS_IN_ENVIRONMENT)) {
    if (read.isSet(name)) {
      read.reject(name, 'is in the environment', `left out: name a file in ${fileName}`)
    }
  }
  const tls = readTls(read)
  const sasl = readSasl(read)
  if (tls === undefined && sasl === undefined) return undefined
  return { ...(tls && { tls }), ...(sasl && { sasl }) }
}

/** What is allowed and still worth telling whoever runs the service. */
export function kafkaSecurityWarnings(security: KafkaSecuritySettings | undefined): string[] {
  const { tls, sasl } = security ?? {}
  const warnings: string[] = []
  if (sasl !== undefined && tls === undefined) {
    const sent = sasl.mechanism.startsWith('scram') ? 'events' : 'credentials and events'
    warnings.push(
      `SASL ${sasl.mechanism} without TLS: ${sent} cross the network readable (KAPPA_KAFKA_TLS=true)`,
    )
  }
  if (sasl?.mechanism === 'oauthbearer' && sasl.tokenUrl.startsWith('http:')) {
    warnings.push(
      'The token server is asked over http: the client secret crosses the network readable (KAPPA_KAFKA_OAUTH_TOKEN_URL)',
    )
  }
  return warnings
}

function readTls(read: ConfigReader): KafkaSecuritySettings['tls'] {
  const [caName, certName, keyName] = TLS_FILES as [string, string, string]
  if (read.oneOf('KAPPA_KAFKA_TLS', ['true', 'false'], 'false') === 'false') {
    rejectSet(read, TLS_FILES, 'left out, or KAPPA_KAFKA_TLS=true')
    return undefined
  }
  const ca = read.optionalSecretFile(caName)
  const certificate = read.optionalSecretFile(certName)
  const key = read.optionalSecretFile(keyName)
  if (certificate !== undefined && key === undefined) {
    read.reject(keyName, 'is not set', `the key of the certificate in ${certName}`)
  }
  if (certificate === undefined && key !== undefined) {
    read.reject(certName, 'is not set', `the certificate of the key in ${keyName}`)
  }
  if (ca) checkPem(read, caName, { ca })
  if (certificate) checkPem(read, certName, { cert: certificate })
  if (certificate && key) checkPem(read, keyName, { cert: certificate, key })
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined || key === undefined ? {} : { client: { certificate, key } }),
  }
}

/** OpenSSL's reasons name what is wrong with a file and never quote it. */
function checkPem(
  read: ConfigReader,
  name: string,
  parts: { ca?: string; cert?: string; key?: string },
): void {
  const wanted = parts.key === undefined ? 'certificates as PEM' : "the certificate's key as PEM"
  const isCertificate = parts.key === undefined
  const text = parts.ca ?? parts.cert ?? ''
  if (isCertificate && !text.includes('-----BEGIN CERTIFICATE-----')) {
    read.reject(name, 'names a file without a certificate', wanted)
    return
  }
  try {
    createSecureContext(parts)
  } catch (error) {
    const { code } = error as { code?: string }
    read.reject(name, `names a file that cannot be used (${code ?? 'not readable'})`, wanted)
  }
}

function readSasl(read: ConfigReader): SaslSettings | undefined {
  if (!read.isSet('KAPPA_KAFKA_SASL_MECHANISM')) {
    const wanted = 'left out, or KAPPA_KAFKA_SASL_MECHANISM set'
    rejectSet(read, [...PASSWORD_NAMES, ...OAUTH_NAMES], wanted)
    return undefined
  }
  const mechanism = read.oneOf('KAPPA_KAFKA_SASL_MECHANISM', MECHANISMS)
  if (mechanism !== 'oauthbearer') {
    rejectSet(read, OAUTH_NAMES, `left out with KAPPA_KAFKA_SASL_MECHANISM=${mechanism}`)
    return {
      mechanism,
      username: read.text('KAPPA_KAFKA_SASL_USERNAME'),
      password: read.secretFile('KAPPA_KAFKA_SASL_PASSWORD_FILE'),
    }
  }
  rejectSet(read, PASSWORD_NAMES, 'left out with KAPPA_KAFKA_SASL_MECHANISM=oauthbearer')
  const scope = read.optionalText('KAPPA_KAFKA_OAUTH_SCOPE')
  return {
    mechanism,
    tokenUrl: readTokenUrl(read),
    clientId: read.text('KAPPA_KAFKA_OAUTH_CLIENT_ID'),
    clientSecret: read.secretFile('KAPPA_KAFKA_OAUTH_CLIENT_SECRET_FILE'),
    ...(scope === undefined ? {} : { scope }),
  }
}

function readTokenUrl(read: ConfigReader): string {
  const name = 'KAPPA_KAFKA_OAUTH_TOKEN_URL'
  const text = read.text(name)
  if (text === '') return text
  const url = URL.parse(text)
  const wanted = 'a URL with http or https and without credentials in it'
  // A URL with credentials is not quoted.
  if (url && (url.username !== '' || url.password !== '')) {
    read.reject(name, 'has credentials in it', wanted)
  } else if (!url || !['http:', 'https:'].includes(url.protocol)) {
    read.reject(name, 'is no such URL', wanted)
  }
  return text
}

function rejectSet(read: ConfigReader, names: readonly string[], wanted: string): void {
  for (const name of names) if (read.isSet(name)) read.reject(name, 'is set', wanted)
}
