import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { livePointerKey, type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import type { Contract } from '@kappa/contracts/contract'
import { loadContracts } from '@kappa/contracts/load'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka, Producer } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import { createLogger } from '@kappa/service/logger'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { ReleaseFollower } from '../contracts/release-follower.ts'

const contractTopic = 'delays'
/** Version n of the contract has the first n of them, beside the event's time. */
const fields = ['tail_number', 'gate', 'terminal'].map((name) => ({
  name,
  type: 'string',
  default: '?',
}))
const eventTime = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }

let kafka: Kafka
let producer: Producer
let contract: Contract
before(async () => {
  kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'release-follower-test',
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
  })
  producer = kafka.producer()
  const folder = await mkdtemp(join(tmpdir(), 'kappa-follower-test-'))
  await mkdir(join(folder, contractTopic))
  const write = (file: string, value: object) =>
    writeFile(join(folder, contractTopic, file), JSON.stringify(value))
  await write('topic.yaml', { key: 'tail_number', event_time: 'at', partitions: 1 })
  for (const [index] of fields.entries()) {
    const record = {
      type: 'record',
      name: 'Delay',
      fields: [eventTime, ...fields.slice(0, index + 1)],
    }
    await write(`${index + 1}.avsc`, record)
  }
  const found = (await loadContracts(folder)).get(contractTopic)
  await rm(folder, { recursive: true })
  assert.ok(found)
  contract = found
})
after(async () => {
  await producer.close()
  await kafka.close()
})

/** A topic of releases of its own, and the follower of it. */
class Installation {
  readonly topic = `follower-test-${randomUUID()}.releases`

  createTopic(): Promise<string[]> {
    const config = { 'cleanup.policy': 'compact' }
    return kafka.admin.createTopics([{ topic: this.topic, partitions: 1, config }], 30_000)
  }

  follow(through: Pick<Kafka, 'admin' | 'readToEnd'> = kafka): Promise<ReleaseFollower> {
    const logger = createLogger('test', 'silent')
    return ReleaseFollower.start({ kafka: through, topic: this.topic, pollMs: 20, logger })
  }

  async write(key: string, value: object | string | null): Promise<void> {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const record = { key: Buffer.from(key), value: value === null ? null : Buffer.from(text) }
    await producer.send(this.topic, [record])
  }

  async release(
    application: string,
    release: number,
    state: ReleaseRecord['state'],
    versions: readonly number[],
    undecodable: Readonly<Record<number, string>> = {},
  ): Promise<void> {
    const schemaIdOf = (n: number) => contract.versions[n - 1]?.schemaId ?? 0
    const record: ReleaseRecord = {
      application,
      release,
      state,
      definition: {
        application,
        description: 'of a test',
        streams: {},
        datasets: {},
        views: {},
        spark: { cores: 1, memory: '1g', shufflePartitions: 1 },
        changelog: { partitions: 1 },
        sources: {
          delays: {
            name: 'delays',
            topic: contractTopic,
            eventTime: 'departed_at',
            latenessMs: 0,
            earlinessMs: 0,
            importDisorderMaxMs: 0,
            columns: [],
            versions: versions.map((n) => ({ schemaId: schemaIdOf(n), schema: '{}' })),
            undecodableVersions: Object.entries(undecodable).map(([n, reason]) => ({
              version: Number(n),
              schemaId: schemaIdOf(Number(n)),
              reason,
            })),
            readerSchema: '{}',
          },
        },
        pinned: {},
      },
      epoch: 1,
      updated_at: 1,
    }
    await this.write(releaseKey(application, release), record)
  }

  live(application: string, release: number): Promise<void> {
    return this.write(livePointerKey(application), { application, release, epoch: 1 })
  }
}

function newest(follower: ReleaseFollower): number {
  return follower.choose(contract, undefined).n
}

function untilNewest(follower: ReleaseFollower, n: number): Promise<number> {
  return until(
    async () => newest(follower),
    (found) => found === n,
  )
}

function refusal(follower: ReleaseFollower, version: number): ServiceError {
  try {
    follower.choose(contract, version)
  } catch (error) {
    assert.ok(error instanceof ServiceError)
    return error
  }
  throw new assert.AssertionError({ message: `version ${version} was not refused` })
}

test('without a topic of releases everything may be published; one that appears is noticed', async () => {
  const installation = new Installation()
  const follower = await installation.follow()
  try {
    assert.equal(newest(follower), 3)
    await installation.createTopic()
    await installation.release('shop', 1, 'live', [1])
    await installation.live('shop', 1)
    await untilNewest(follower, 1)
    assert.equal(follower.choose(contract, 1).n, 1)
  } finally {
    follower.close()
  }
})

test('a version may be published once every live release that reads the topic decodes it', async () => {
  const installation = new Installation()
  await installation.createTopic()
  await installation.release('shop', 1, 'failed', [1])
  await installation.release('shop', 2, 'live', [1, 2])
  await installation.live('shop', 2)
  await installation.release('desk', 1, 'failed', [1], { 3: 'field "x" has no default' })
  await installation.live('desk', 1)
  const follower = await installation.follow()
  try {
    assert.equal(newest(follower), 1, 'known when it starts')

    const pending = refusal(follower, 2)
    assert.equal(pending.code, 'version_not_publishable')
    assert.equal(pending.status, 409)
    assert.match(pending.message, /desk\/1 \(it was started before/)
    assert.match(pending.message, /Restart replay .* until then publish version 1/)
    assert.doesNotMatch(pending.message, /shop/, 'neither the one that decodes it nor a former one')
    const never = refusal(follower, 3)
    assert.match(never.message, /desk\/1 \(field "x" has no default\)/)
    assert.match(never.message, /replace the releases/)

    await installation.release('desk', 1, 'live', [1, 2])
    await untilNewest(follower, 2)
    assert.deepEqual(
      follower.verdicts(contract).map(({ blockedBy }) => blockedBy.length),
      [0, 0, 2],
    )
  } finally {
    follower.close()
  }
})

test('a release on its way up counts, one that failed on its way does not', async () => {
  const installation = new Installation()
  await installation.createTopic()
  await installation.release('shop', 1, 'starting', [1, 2])
  const follower = await installation.follow()
  try {
    assert.equal(newest(follower), 2)
    await installation.release('shop', 1, 'failed', [1, 2])
    await untilNewest(follower, 3)
  } finally {
    follower.close()
  }
})

test('an unknown version is told with those that there are', async () => {
  const follower = await new Installation().follow()
  const unknown = refusal(follower, 4)
  assert.equal(unknown.code, 'unknown_version')
  assert.match(unknown.message, /versions 1 to 3, not 4/)
  assert.equal(refusal(follower, 0).code, 'unknown_version')
  follower.close()
})

test('what is known stands while Kafka is away and when a record cannot be used', async () => {
  const installation = new Installation()
  await installation.createTopic()
  await installation.release('shop', 1, 'live', [1])
  await installation.live('shop', 1)
  let isAway = false
  let refused = 0
  const endOffsets = async (topic: string) => {
    if (!isAway) return kafka.admin.endOffsets(topic)
    refused += 1
    throw new Error('Kafka is away')
  }
  const partitionCount = (topic: string) => kafka.admin.partitionCount(topic)
  const follower = await installation.follow({
    admin: { ...kafka.admin, endOffsets, partitionCount },
    readToEnd: (topic) => kafka.readToEnd(topic),
  })
  try {
    isAway = true
    await installation.write(releaseKey('shop', 1), '{"not": "a release"}')
    await installation.release('desk', 1, 'starting', [1, 2])
    await until(
      async () => refused,
      (times) => times > 2,
    )
    assert.equal(newest(follower), 1)
    isAway = false
    const blocking = () => follower.verdicts(contract)[2]?.blockedBy.map((one) => one.application)
    await until(
      async () => blocking()?.length,
      (length) => length === 2,
    )
    assert.deepEqual(blocking()?.sort(), ['desk', 'shop'])
    assert.equal(newest(follower), 1)
  } finally {
    follower.close()
  }
})
