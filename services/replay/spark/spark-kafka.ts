import { createPrivateKey } from 'node:crypto'
import type { KafkaSecuritySettings } from '@kappa/service/kafka-security'
import type { KafkaSettings } from '@kappa/service/settings'

const AUTHORITIES = 'kafka-authorities.pem'
const CLIENT = 'kafka-client.pem'
const LOGIN = 'kafka-login.jaas'
const MODULES = 'org.apache.kafka.common.security'
const PROVIDER = 'org.apache.kafka.common.config.provider.DirectoryConfigProvider'

type Sasl = NonNullable<KafkaSecuritySettings['sasl']>
type Options = Readonly<Record<string, string>>

/**
 * What Spark needs to know of Kafka's secrets, as files by name. They are no options of its sources
 * and sinks, because those are part of plans, which Spark prints and which travel with every query.
 */
export function sparkKafkaFiles({ security }: Pick<KafkaSettings, 'security'>): Options {
  const { tls, sasl } = security ?? {}
  return {
    ...(tls?.ca === undefined ? {} : { [AUTHORITIES]: `${tls.ca}\n` }),
    ...(tls?.client && { [CLIENT]: `${pkcs8(tls.client.key)}${tls.client.certificate}\n` }),
    ...(sasl && { [LOGIN]: jaas(sasl) }),
  }
}

/** Java's own switches for Spark's processes: token servers have to be allowed by name. */
export function sparkKafkaSystemProperties({ security }: Pick<KafkaSettings, 'security'>): Options {
  const { sasl } = security ?? {}
  if (sasl?.mechanism !== 'oauthbearer') return {}
  return { 'org.apache.kafka.sasl.oauthbearer.allowed.urls': sasl.tokenUrl }
}

/**
 * Options of Spark's Kafka source and sink; without secrets: those are read from `sparkKafkaFiles`
 * by Kafka's client, in the process that connects.
 *
 * @param folder where Spark's processes find those files
 */
export function sparkKafkaOptions(
  { brokers, security }: Pick<KafkaSettings, 'brokers' | 'security'>,
  folder: string,
): Options {
  const { tls, sasl } = security ?? {}
  const options = {
    'bootstrap.servers': brokers.join(','),
    ...(security && { 'security.protocol': protocol(security) }),
    ...(tls?.ca === undefined ? {} : pem('truststore', `${folder}/${AUTHORITIES}`)),
    ...(tls?.client && pem('keystore', `${folder}/${CLIENT}`)),
    ...(sasl && saslOptions(sasl, folder)),
  }
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [`kafka.${name}`, value]),
  )
}

/** The only form of a key that Kafka's Java client reads. */
function pkcs8(key: string): string {
  return createPrivateKey(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

function protocol({ tls, sasl }: KafkaSecuritySettings): string {
  const transport = tls ? 'SSL' : 'PLAINTEXT'
  return sasl ? `SASL_${transport}` : transport
}

function pem(store: 'truststore' | 'keystore', location: string): Record<string, string> {
  return { [`ssl.${store}.type`]: 'PEM', [`ssl.${store}.location`]: location }
}

function saslOptions(sasl: Sasl, folder: string): Record<string, string> {
  return {
    'sasl.mechanism': sasl.mechanism.toUpperCase(),
    'config.providers': 'directory',
    'config.providers.directory.class': PROVIDER,
    'sasl.jaas.config': `\${directory:${folder}:${LOGIN}}`,
    ...(sasl.mechanism === 'oauthbearer' && {
      'sasl.login.callback.handler.class': `${MODULES}.oauthbearer.OAuthBearerLoginCallbackHandler`,
      'sasl.oauthbearer.token.endpoint.url': sasl.tokenUrl,
      // As RFC 6749 (2.3.1) has it; Kafka's client does not by default.
      'sasl.oauthbearer.header.urlencode': 'true',
    }),
  }
}

function jaas(sasl: Sasl): string {
  if (sasl.mechanism === 'oauthbearer') {
    const { clientId, clientSecret, scope } = sasl
    const options = { clientId, clientSecret, ...(scope === undefined ? {} : { scope }) }
    return login('oauthbearer.OAuthBearerLoginModule', options)
  }
  const { mechanism, username, password } = sasl
  const module = mechanism === 'plain' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
  return login(module, { username, password })
}

function login(module: string, options: Options): string {
  const quoted = Object.entries(options).map(
    ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  )
  return `${MODULES}.${module} required ${quoted.join(' ')};`
}
