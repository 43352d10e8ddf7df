import type { ConnectionOptions } from 'node:tls'
import type { SASLOptions } from 'kafkajs'
import { oauthToken } from '../oauth-token.ts'
import type { KafkaConfig, KafkaSasl } from '../port.ts'

/** What kafkajs calls TLS and SASL; undefined where the configuration has none. */
export interface KafkaJsSecurity {
  readonly ssl: ConnectionOptions | undefined
  readonly sasl: SASLOptions | undefined
}

export function kafkaJsSecurity({ security }: KafkaConfig): KafkaJsSecurity {
  const { tls, sasl } = security ?? {}
  return {
    ssl: tls && {
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.client && { cert: tls.client.certificate, key: tls.client.key }),
    },
    sasl: sasl && saslOptions(sasl),
  }
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism === 'oauthbearer') {
    const oauthBearerProvider = async () => ({ value: await oauthToken(sasl) })
    return { mechanism: 'oauthbearer', oauthBearerProvider }
  }
  const { mechanism, username, password } = sasl
  return { mechanism, username, password } as SASLOptions
}
