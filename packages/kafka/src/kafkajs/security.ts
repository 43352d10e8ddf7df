import type { ConnectionOptions } from 'node:tls'
import type { KafkaConfig as KafkaJsConfig, SASLOptions } from 'kafkajs'
import type { KafkaConfig, KafkaSasl } from '../port.ts'
import { oauthBearer } from './oauth-bearer.ts'

/**
 * How long before the end of its session a connection authenticates again. kafkajs's own 10 s would,
 * with tokens that live hardly longer, ask more often than the once a second that brokers allow.
 */
const REAUTHENTICATION_MS = 5_000

/** What kafkajs calls TLS and SASL; undefined where the configuration has none. */
export interface KafkaJsSecurity {
  readonly ssl: ConnectionOptions | undefined
  readonly sasl: KafkaJsConfig['sasl']
  readonly reauthenticationThreshold: number
}

export function kafkaJsSecurity({ security }: KafkaConfig): KafkaJsSecurity {
  const { tls, sasl } = security ?? {}
  return {
    ssl: tls && {
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.client && { cert: tls.client.certificate, key: tls.client.key }),
    },
    sasl: sasl && saslOptions(sasl),
    reauthenticationThreshold: REAUTHENTICATION_MS,
  }
}

function saslOptions(sasl: KafkaSasl): NonNullable<KafkaJsConfig['sasl']> {
  const { mechanism } = sasl
  if (mechanism === 'oauthbearer') return { mechanism, authenticationProvider: oauthBearer(sasl) }
  return { mechanism, username: sasl.username, password: sasl.password } as SASLOptions
}
