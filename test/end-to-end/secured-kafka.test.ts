import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectKafka } from '@kappa/kafka/connect'
import { hasCode } from '@kappa/processes/error-code'
import { SecuredKafka } from '../kafka-cluster/secured-kafka.ts'
import { copyFlights } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { ServiceProcess } from '../platform/service-process.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-secured'

test('the platform works over a Kafka that asks for TLS and SCRAM, and tells its password nowhere', async () => {
  const broker = await SecuredKafka.start()
  const folder = join(testStack().stateFolder, `${namespace}-files`)
  const copy = copyFlights(folder, namespace)
  const environment = settings(broker, folder)
  let platform: Platform | undefined
  try {
    await assertRefused(copy.schemasFolder, environment, folder)
    platform = await Platform.start({ namespace, redisDatabase: 11, ...copy, environment })
    await platform.untilLive('flights')
    const topic = copy.topic('flights.departures')
    const first = departure('1')
    const answer = await fetch(`${platform.ingest.url}/v1/topics/${topic}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([first, departure('2'), first]),
    })
    assert.equal(answer.status, 200, await answer.clone().text())
    await platform.untilCurrent('flights', ['carrier_hours'])
    const rows = await platform.allRows('flights', 'carrier_hours')
    const departures = rows.reduce((sum, row) => sum + Number(row.departures), 0)
    assert.equal(departures, 2)
    assertPasswordNowhere(platform.folder, broker.password)
    for (const record of await releaseRecords(broker)) {
      assert.ok(!record.includes(broker.password.slice(-12)), record)
    }
  } finally {
    await platform?.stop()
    await broker.stop()
  }
})

function settings(broker: SecuredKafka, folder: string): Record<string, string> {
  const file = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  return {
    KAPPA_KAFKA_BROKERS: broker.broker('saslTls'),
    KAPPA_KAFKA_TLS: 'true',
    KAPPA_KAFKA_TLS_CA_FILE: file('authority.pem', broker.authority.certificate),
    KAPPA_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAPPA_KAFKA_SASL_USERNAME: broker.username,
    KAPPA_KAFKA_SASL_PASSWORD_FILE: file('password', broker.password),
  }
}

/** It ends instead of waiting for a Kafka that will never let it in. */
async function assertRefused(
  schemasFolder: string,
  environment: Readonly<Record<string, string>>,
  folder: string,
): Promise<void> {
  const passwordFile = join(folder, 'wrong-password')
  writeFileSync(passwordFile, 'wrong-secret')
  const start = ServiceProcess.start(
    'ingest',
    {
      ...environment,
      KAPPA_KAFKA_SASL_PASSWORD_FILE: passwordFile,
      KAPPA_SCHEMAS_FOLDER: schemasFolder,
      KAPPA_HTTP_PORT: '0',
    },
    join(folder, 'refused.log'),
  )
  await assert.rejects(start, (error: Error) => {
    assert.match(error.message, /ended with 1.*SCRAM.*Authentication failed/s)
    assert.ok(!error.message.includes('wrong-secret'))
    return true
  })
}

/** But in the file that Spark reads it from, which only its owner can read. */
function assertPasswordNowhere(folder: string, password: string): void {
  const telling = globSync('**/*', { cwd: folder }).flatMap((name) => {
    const file = readIfThere(join(folder, name))
    return file?.text.includes(password.slice(-12)) ? [[name, file.mode]] : []
  })
  assert.deepEqual(telling, [['spark/flights-1/secrets/kafka-login.jaas', 0o600]])
}

/** Spark makes and removes files of its own while they are looked at. */
function readIfThere(path: string): { mode: number; text: Buffer } | undefined {
  try {
    const status = statSync(path)
    return status.isFile() ? { mode: status.mode & 0o777, text: readFileSync(path) } : undefined
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function releaseRecords(broker: SecuredKafka): Promise<string[]> {
  const { username, password, authority } = broker
  const kafka = await connectKafka({
    brokers: [broker.broker('saslTls')],
    clientId: 'secured-kafka-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
    security: {
      tls: { ca: authority.certificate },
      sasl: { mechanism: 'plain', username, password },
    },
  })
  try {
    const records: string[] = []
    for await (const { value } of kafka.readToEnd(`${namespace}.releases`)) {
      records.push(String(value))
    }
    assert.ok(records.length > 0)
    return records
  } finally {
    await kafka.close()
  }
}

function departure(id: string) {
  const now = new Date().toISOString()
  return {
    event_id: id,
    carrier: 'UA',
    flight: 1,
    tail_number: `N${id}`,
    origin: 'EWR',
    destination: 'SFO',
    scheduled_at: now,
    departed_at: now,
    delay_minutes: 7,
    distance_miles: 2_565,
  }
}
