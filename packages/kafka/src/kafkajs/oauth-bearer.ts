import type { AuthenticationProviderArgs, Authenticator } from 'kafkajs'
import { oauthToken } from '../oauth-token.ts'
import { KafkaError, type KafkaSasl } from '../port.ts'

/**
 * OAUTHBEARER (RFC 7628) in place of kafkajs's own, which takes the broker's refusal of a token for
 * a success: the refusal is a text inside an answer without an error code.
 */
export function oauthBearer(client: Extract<KafkaSasl, { mechanism: 'oauthbearer' }>) {
  return ({ host, port, saslAuthenticate }: AuthenticationProviderArgs): Authenticator => ({
    async authenticate() {
      const token = await oauthToken(client)
      const refusal = await saslAuthenticate({
        request: { encode: () => sized(Buffer.from(`n,,\u0001auth=Bearer ${token}\u0001\u0001`)) },
        response: {
          // The answer's bytes come with their size in front.
          decode: (answer) => answer.subarray(4),
          parse: (text) => text.toString('utf8'),
        },
      })
      if (!refusal) return
      throw new KafkaError(
        'authentication_failed',
        `OAUTHBEARER: the broker ${host}:${port} refused the token of "${client.clientId}": ${refusal}`,
      )
    },
  })
}

function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}
