import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Kafka } from '@kappa/kafka/port'
import { ServiceProcess } from '@kappa/test/platform/service-process'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { connectTestKafka, environment, FakeApplication, get } from './fixture.ts'
import { Follower } from './follower.ts'

const followersInAll = 2_000
const batches = 20
const changesEach = 50
const residentGrowthMax = 700 * 2 ** 20

describe('many follow one view', () => {
  let kafka: Kafka
  let app: FakeApplication
  let service: ServiceProcess
  const followers: Follower[] = []

  before(async () => {
    kafka = await connectTestKafka()
    const columns = [
      { name: 'id', type: 'int', nullable: false },
      { name: 'n', type: 'bigint', nullable: false },
    ]
    app = new FakeApplication(kafka, { v: { key: ['id'], columns } }, 2)
    await app.publish()
    await write(1)
    const log = join(testStack().stateFolder, 'followers.log')
    service = await ServiceProcess.start('results', environment(19), log)
    await until(
      () => get(service.url, path()),
      ({ status }) => status === 200,
    )
  })
  after(async () => {
    for (const follower of followers) follower.close()
    await service?.stop()
    await app?.close()
    await kafka?.close()
  })

  const path = (rest = '') => `/v1/views/${app.name}/v${rest}`

  async function write(source: number): Promise<void> {
    const ids = Array.from({ length: changesEach }, (_, id) => id)
    await app.append(
      'v',
      ids.map((id) => ({ key: [String(id)], batch: source, row: { id, n: source } })),
    )
    await app.position('v', source)
  }

  test('2,000 are told every change once, in bounded memory', async (context) => {
    const before = residentBytes()
    for (let number = 0; number < followersInAll; number += 1) {
      followers.push(new Follower(`${service.url}${path('/changes')}`))
      if (number % 100 === 0) await followers.at(-1)?.untilEvent(({ event }) => event === 'current')
    }
    await Promise.all(
      followers.map((each) => each.untilEvent(({ event }) => event === 'current', 60_000)),
    )
    const begun = performance.now()
    for (let source = 2; source < 2 + batches; source += 1) await write(source)
    await Promise.all(followers.map((each) => each.untilEvent(hasAll, 120_000)))
    const seconds = (performance.now() - begun) / 1_000
    for (const follower of followers) {
      assert.equal(follower.of('row').length, changesEach * (1 + batches))
    }
    const grown = residentBytes() - before
    const told = followersInAll * batches * changesEach
    context.diagnostic(
      `${Math.round(told / seconds)} changes/s told; ${Math.round(grown / 2 ** 20)} MB more`,
    )
    assert.ok(grown < residentGrowthMax, `${grown} bytes more`)
  })

  test('one that is killed is gone at once', async () => {
    const count = async () => {
      const text = await (await fetch(`${service.url}/metrics`)).text()
      return Number(/^kappa_results_followers\{.*\} (\d+)$/m.exec(text)?.[1])
    }
    const before = await count()
    const child = spawn('curl', ['-sN', `${service.url}${path('/changes')}`], { stdio: 'ignore' })
    await until(count, (now) => now === before + 1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await until(count, (now) => now === before, 30_000)
  })

  function hasAll({ event, data }: Follower['events'][number]): boolean {
    if (event !== 'current') return false
    const { topics } = JSON.parse(Buffer.from(data.position, 'base64url').toString())
    return topics.events['0'] === String(1 + batches)
  }

  function residentBytes(): number {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(
      readFileSync(`/proc/${service.pid}/status`, 'utf8'),
    )
    return Number(kilobytes?.[1]) * 1_024
  }
})
