import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import type { KafkaSecuritySettings } from '@kappa/service/kafka-security'
import { SparkError } from '@kappa/spark-connect/errors'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { SecuredKafka } from '@kappa/test/kafka-cluster/secured-kafka'
import { testStack } from '@kappa/test/stack'
import type { Cluster } from '../launchers/launcher.ts'
import { LocalLauncher } from '../launchers/local/local-launcher.ts'
import {
  sparkKafkaFiles,
  sparkKafkaOptions,
  sparkKafkaSystemProperties,
} from '../spark/spark-kafka.ts'

type Listener = Parameters<SecuredKafka['broker']>[0]

let broker: SecuredKafka
let kafka: Kafka
let cluster: Cluster
let spark: SparkSession
const folder = join(testStack().stateFolder, 'spark-kafka')

before(async () => {
  broker = await SecuredKafka.start()
  kafka = await connectKafka({
    brokers: [broker.broker('saslTls')],
    clientId: 'spark-kafka-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
    security: ways().plain.security,
  })
  cluster = await startSpark()
  const { address, token } = cluster
  spark = await connectSpark({ address, token, userId: 'spark-kafka-test' })
})
after(async () => {
  spark?.detach()
  await cluster?.stop()
  await kafka?.close()
  await broker?.stop()
})

function ways() {
  const { username, password, authority, tokens, oauthClient, clientIdentity } = broker
  const tls = { ca: authority.certificate }
  const withPassword = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512') => ({
    listener: 'saslTls' as Listener,
    security: { tls, sasl: { mechanism, username, password } },
  })
  const oauth = {
    mechanism: 'oauthbearer' as const,
    tokenUrl: tokens.tokenUrl,
    clientId: oauthClient.id,
    clientSecret: oauthClient.secret,
    scope: 'kafka',
  }
  return {
    plain: withPassword('plain'),
    'scram-sha-256': withPassword('scram-sha-256'),
    'scram-sha-512': withPassword('scram-sha-512'),
    oauthbearer: { listener: 'oauth' as Listener, security: { tls, sasl: oauth } },
    'client certificate': {
      listener: 'clientCertificate' as Listener,
      // A key as OpenSSL writes it: Kafka's Java client reads another form only.
      security: { tls: { ...tls, client: { ...clientIdentity, key: sec1(clientIdentity.key) } } },
    },
  }
}

function sec1(key: string): string {
  return createPrivateKey(key).export({ type: 'sec1', format: 'pem' }).toString()
}

function startSpark(): Promise<Cluster> {
  const { java, sparkJarsFolder, sparkArchiveFile } = testStack()
  const launcher = new LocalLauncher({
    java,
    jarsFolder: sparkJarsFolder,
    workFolder: folder,
    archiveFile: sparkArchiveFile,
    stopTimeoutMs: 10_000,
  })
  return launcher.start(
    {
      application: 'spark-kafka',
      release: 1,
      cores: 1,
      executors: 1,
      memory: '512m',
      sparkConf: {},
      systemProperties: sparkKafkaSystemProperties(ways().oauthbearer),
    },
    { timeoutMs: 120_000, signal: new AbortController().signal },
  )
}

/** As the launcher would lay out the files of a release, for one way of several. */
function optionsOf(name: string, listener: Listener, security: KafkaSecuritySettings) {
  const secrets = join(folder, name.replaceAll(' ', '-'))
  mkdirSync(secrets, { recursive: true })
  for (const [file, text] of Object.entries(sparkKafkaFiles({ security }))) {
    writeFileSync(join(secrets, file), text, { mode: 0o600 })
  }
  return sparkKafkaOptions({ brokers: [broker.broker(listener)], security }, secrets)
}

const readFrom = (options: Readonly<Record<string, string>>, topic: string) =>
  spark
    .read({ format: 'kafka', options: { ...options, subscribe: topic } })
    .select('CAST(value AS STRING) AS value')

test('Spark reads and writes a secured Kafka, and tells no secret', async (t) => {
  await kafka.admin.createTopics([{ topic: 'in', partitions: 1 }], 10_000)
  await kafka.producer().send('in', [{ key: null, value: Buffer.from('hello') }])
  for (const [name, { listener, security }] of Object.entries(ways())) {
    await t.test(name, async () => {
      const options = optionsOf(name, listener, security)
      const topic = `out-${name.replaceAll(' ', '-')}`
      await kafka.admin.createTopics([{ topic, partitions: 1 }], 10_000)
      const frame = readFrom(options, 'in')
      await frame.write({ format: 'kafka', mode: 'append', options: { ...options, topic } })
      const values: string[] = []
      for await (const { value } of kafka.readToEnd(topic)) values.push(String(value))
      assert.deepEqual(values, ['hello'])
      assertNoSecret(JSON.stringify(options), await frame.explain('extended'))
    })
  }
})

test('a wrong password and an unknown authority are told by Spark with their causes', async () => {
  const { plain } = ways()
  const wrong = {
    tls: plain.security.tls,
    sasl: { mechanism: 'scram-sha-512' as const, username: 'kappa', password: 'wrong-secret' },
  }
  const refused = readFrom(optionsOf('wrong password', 'saslTls', wrong), 'in').collect()
  await assert.rejects(refused, causeSays(/Authentication failed/))
  const untrusting = optionsOf('no authority', 'saslTls', { ...plain.security, tls: {} })
  const untrusted = readFrom(untrusting, 'in').collect()
  await assert.rejects(untrusted, causeSays(/PKIX path building failed|SSL handshake failed/))
  assertNoSecret(readFileSync(join(folder, 'spark-kafka-1', 'spark.log'), 'utf8'))
})

function causeSays(wanted: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SparkError)
    assertNoSecret(error.message, error.rootCause.message)
    assert.match(`${error.message} ${error.rootCause.message}`, wanted)
    return true
  }
}

function assertNoSecret(...texts: readonly string[]): void {
  const secrets = [broker.password, broker.oauthClient.secret, 'wrong-secret']
  // As JAAS quotes them, and without what is quoted.
  const forms = secrets.flatMap((secret) => [secret, secret.slice(-12)])
  for (const text of texts) {
    for (const form of forms) assert.ok(!text.includes(form), `a secret is told in: ${text}`)
  }
}
