import type { ConnectionOptions, SASLOptions } from '@platformatic/kafka'
import { oauthToken } from '../oauth-token.ts'
import { type KafkaConfig, KafkaError, type KafkaSasl } from '../port.ts'

const MECHANISMS = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const

/** What the library calls TLS and SASL. */
export function platformaticSecurity({
  security,
}: KafkaConfig): Pick<ConnectionOptions, 'tls' | 'sasl' | 'tlsServerName'> {
  const { tls, sasl } = security ?? {}
  return {
    ...(tls && {
      tls: {
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.client && { cert: tls.client.certificate, key: tls.client.key }),
      },
    }),
    ...(sasl && { sasl: saslOptions(sasl) }),
  }
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism === 'oauthbearer') {
    return {
      mechanism: 'OAUTHBEARER',
      token: () => oauthToken(sasl),
      // The library takes the broker's refusal of a token for a success: it is no error code, but
      // a text in the answer (RFC 7628, 3.2.2).
      authBytesValidator(answer, callback) {
        const refusal = answer?.toString('utf8')
        if (refusal) {
          const text = `OAUTHBEARER: the broker refused the token of "${sasl.clientId}": ${refusal}`
          callback(new KafkaError('authentication_failed', text))
        } else {
          callback(null, answer)
        }
      },
    }
  }
  const { mechanism, username, password } = sasl
  return { mechanism: MECHANISMS[mechanism], username, password }
}
