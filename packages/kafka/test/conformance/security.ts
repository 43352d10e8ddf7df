import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { Kafka, KafkaConfig, KafkaError, KafkaSasl, KafkaSecurity } from '@kappa/kafka/port'
import { CertificateAuthority } from '@kappa/test/kafka-cluster/certificates'
import type { SecuredKafka } from '@kappa/test/kafka-cluster/secured-kafka'
import { until } from '@kappa/test/until'
import { configFor, newTopic, readAll, soon, textRecord, uniqueName } from './harness.ts'

type Connect = (config: KafkaConfig) => Promise<Kafka>
type Listener = Parameters<SecuredKafka['broker']>[0]

interface Way {
  readonly listener: Listener
  readonly security: (broker: SecuredKafka) => KafkaSecurity
}

const tls = ({ authority }: SecuredKafka) => ({ ca: authority.certificate })

const withPassword = (
  { username, password }: SecuredKafka,
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512',
): KafkaSasl => ({ mechanism, username, password })

const withToken = ({ tokens, oauthClient }: SecuredKafka): KafkaSasl => ({
  mechanism: 'oauthbearer',
  tokenUrl: tokens.tokenUrl,
  clientId: oauthClient.id,
  clientSecret: oauthClient.secret,
  scope: 'kafka',
})

const WAYS: Readonly<Record<string, Way>> = {
  'PLAIN over TLS': {
    listener: 'saslTls',
    security: (broker) => ({ tls: tls(broker), sasl: withPassword(broker, 'plain') }),
  },
  'SCRAM-SHA-256 over TLS': {
    listener: 'saslTls',
    security: (broker) => ({ tls: tls(broker), sasl: withPassword(broker, 'scram-sha-256') }),
  },
  'SCRAM-SHA-512 over TLS': {
    listener: 'saslTls',
    security: (broker) => ({ tls: tls(broker), sasl: withPassword(broker, 'scram-sha-512') }),
  },
  'SCRAM-SHA-512 without TLS': {
    listener: 'saslPlain',
    security: (broker) => ({ sasl: withPassword(broker, 'scram-sha-512') }),
  },
  'OAUTHBEARER over TLS': {
    listener: 'oauth',
    security: (broker) => ({ tls: tls(broker), sasl: withToken(broker) }),
  },
  'certificates on both sides': {
    listener: 'clientCertificate',
    security: (broker) => ({ tls: { ...tls(broker), client: broker.clientIdentity } }),
  },
}

interface Refusal extends Way {
  /** What the message has to say. */
  readonly says: RegExp
  readonly code?: KafkaError['code']
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  'a wrong password (PLAIN)': {
    listener: 'saslTls',
    security: (broker) => ({
      tls: tls(broker),
      sasl: { ...withPassword(broker, 'plain'), password: 'wrong-secret' } as KafkaSasl,
    }),
    says: /Authentication failed/i,
  },
  'a wrong password (SCRAM)': {
    listener: 'saslTls',
    security: (broker) => ({
      tls: tls(broker),
      sasl: { ...withPassword(broker, 'scram-sha-256'), password: 'wrong-secret' } as KafkaSasl,
    }),
    says: /Authentication failed/i,
  },
  'a mechanism that the broker does not have': {
    listener: 'oauth',
    security: (broker) => ({ tls: tls(broker), sasl: withPassword(broker, 'plain') }),
    says: /mechanism.*KAPPA_KAFKA_SASL_MECHANISM/i,
  },
  'a wrong client secret': {
    listener: 'oauth',
    security: (broker) => ({
      tls: tls(broker),
      sasl: { ...withToken(broker), clientSecret: 'wrong-secret' } as KafkaSasl,
    }),
    says: /token server .*refused the client "kappa": invalid_client: wrong id or secret/,
  },
  'a token server that is away': {
    listener: 'oauth',
    security: (broker) => ({
      tls: tls(broker),
      sasl: { ...withToken(broker), tokenUrl: 'http://127.0.0.1:1/token' } as KafkaSasl,
    }),
    says: /token server http:\/\/127\.0\.0\.1:1\/token did not answer: .*ECONNREFUSED|bad port/,
    code: 'unavailable',
  },
  'no certificate where the broker asks for one': {
    listener: 'clientCertificate',
    security: (broker) => ({ tls: tls(broker) }),
    says: /ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED).*KAPPA_KAFKA_TLS_CERT_FILE/i,
  },
  'plain text where the broker speaks TLS': {
    listener: 'saslTls',
    security: () => ({}),
    says: /can be used|answered/,
    code: 'unavailable',
  },
  'TLS where the broker speaks plain text': {
    listener: 'saslPlain',
    security: (broker) => ({ tls: tls(broker), sasl: withPassword(broker, 'plain') }),
    says: /TLS/,
    code: 'unavailable',
  },
}

/**
 * Who may speak to Kafka, over real brokers that ask. `broker` is asked inside each test, because
 * it starts before them.
 */
export function securityConformance(
  name: string,
  connect: Connect,
  broker: () => SecuredKafka,
): void {
  const configOf = ({ listener, security }: Way) =>
    configFor([broker().broker(listener)], { security: security(broker()) })

  for (const [way, settings] of Object.entries(WAYS)) {
    test(`${name}: ${way}: every part of the port works`, async () => {
      const kafka = await connect(configOf(settings))
      try {
        await useEveryPart(kafka)
      } finally {
        await soon(kafka.close(), 10_000, 'closing')
      }
    })
  }

  for (const [what, refusal] of Object.entries(REFUSALS)) {
    test(`${name}: ${what} is told soon and without secrets`, () =>
      assertRefused(connect, broker(), configOf(refusal), refusal))
  }

  test(`${name}: a broker of another authority is not trusted`, async () => {
    const other = await CertificateAuthority.create('another authority')
    const security = { tls: { ca: other.certificate }, sasl: withPassword(broker(), 'plain') }
    const config = configFor([broker().broker('saslTls')], { security })
    const says = /certificate cannot be trusted.*KAPPA_KAFKA_TLS_CA_FILE/
    await assertRefused(connect, broker(), config, { says })
    // The system's authorities do not know it either.
    const trusting = { ...config, security: { ...security, tls: {} } }
    await assertRefused(connect, broker(), trusting, { says })
  })

  test(`${name}: an expired token is refused with the broker's reason`, async () => {
    const { tokens } = broker()
    tokens.lifeMs = -60_000
    try {
      const config = configOf(WAYS['OAUTHBEARER over TLS'] as Way)
      const says = /OAUTHBEARER.*invalid_token/is
      await assertRefused(connect, broker(), config, { says })
    } finally {
      tokens.lifeMs = 3_600_000
    }
  })

  test(`${name}: P1 records flow on when tokens end, each authentication with a newer one`, async () => {
    const { tokens } = broker()
    const lifeMs = 11_000
    tokens.lifeMs = lifeMs
    const issuedBefore = tokens.issued
    const kafka = await connect(configOf(WAYS['OAUTHBEARER over TLS'] as Way))
    const startedAt = Date.now()
    try {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer()
      const received: string[] = []
      const consumer = await kafka.consumer({
        groupId: uniqueName('group'),
        topics: [topic],
        from: 'beginning',
        onBatch: async ({ records }) => {
          received.push(...records.map(({ value }) => String(value)))
          return undefined
        },
      })
      const sent: string[] = []
      await until(
        async () => {
          const value = String(sent.length)
          await producer.send(topic, [textRecord('k', value)])
          sent.push(value)
          return Date.now() - startedAt
        },
        (aliveMs) => aliveMs > lifeMs + 2_000,
      )
      const all = until(
        async () => received.length,
        (count) => count >= sent.length,
      )
      await Promise.race([all, consumer.finished])
      assert.deepEqual(received, sent)
      assert.ok(tokens.issued > issuedBefore + 1, 'the first token was used to its end')
      await consumer.close()
    } finally {
      tokens.lifeMs = 3_600_000
      await soon(kafka.close(), 10_000, 'closing')
    }
  })
}

async function useEveryPart(kafka: Kafka): Promise<void> {
  const topic = await newTopic(kafka, 2)
  await kafka.producer().send(topic, [textRecord('a', '1'), textRecord('b', '2')])
  const transactional = await kafka.transactionalProducer(uniqueName('id'))
  await transactional.commit([{ topic, ...textRecord('c', '3') }])
  const values = async () => (await readAll(kafka, topic)).map(({ value }) => String(value)).sort()
  assert.deepEqual(await values(), ['1', '2', '3'])
  const received: string[] = []
  const consumer = await kafka.consumer({
    groupId: uniqueName('group'),
    topics: [topic],
    from: 'beginning',
    onBatch: async ({ records }) => {
      received.push(...records.map(({ value }) => String(value)))
      return undefined
    },
  })
  await until(
    async () => received.length,
    (count) => count >= 3,
  )
  assert.deepEqual(received.sort(), ['1', '2', '3'])
  await consumer.close()
  await kafka.admin.deleteTopics([topic], 10_000)
}

async function assertRefused(
  connect: Connect,
  broker: SecuredKafka,
  config: KafkaConfig,
  { says, code = 'authentication_failed' }: Pick<Refusal, 'says' | 'code'>,
): Promise<void> {
  const logged: unknown[] = []
  const log: KafkaConfig['log'] = (...entry) => logged.push(entry)
  const outcome = await soon(
    connect({ ...config, log }).then(
      async (kafka) => {
        await kafka.close()
        return undefined
      },
      (error: KafkaError) => error,
    ),
    config.connectTimeoutMs + config.requestTimeoutMs + 1_000,
    'refusing',
  )
  assert.ok(outcome, 'it was let in')
  assert.match(outcome.message, says)
  assert.equal(outcome.code, code, outcome.message)
  const told = inspect([outcome, logged], { depth: 10, maxStringLength: null })
  const keyText = broker.clientIdentity.key.split('\n')[1] as string
  const forms = [broker.password, broker.oauthClient.secret, 'wrong-secret', keyText]
  for (const secret of forms.flatMap((text) => [text, Buffer.from(text).toString('base64')])) {
    assert.ok(!told.includes(secret), `it tells a secret: ${told}`)
  }
}
