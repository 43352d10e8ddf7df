import assert from 'node:assert/strict'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Kafka } from '@kappa/kafka/port'
import { freePorts } from '@kappa/processes/ports'
import { signalProcess } from '@kappa/processes/signal-process'
import type { Service } from '@kappa/service/lifecycle'
import { newPassword, RedisNode } from '@kappa/test/redis-node'
import { until } from '@kappa/test/until'
import {
  connectTestKafka,
  environment,
  FakeApplication,
  get,
  sourceOf,
  startResults,
} from './fixture.ts'

const rows = 3_000
const view = {
  key: ['id'],
  ranked: ['n'],
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'n', type: 'bigint', nullable: false },
  ],
}

/** The address of whichever Redis is the primary, as a service or a proxy gives it. */
class PrimaryAddress {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target: number

  private constructor(server: Server, target: number) {
    const address = server.address()
    this.port = typeof address === 'object' && address ? address.port : 0
    this.#server = server
    this.#target = target
    server.on('connection', (client) => {
      const primary = connect(this.#target, '127.0.0.1')
      for (const [one, other] of [
        [client, primary],
        [primary, client],
      ] as const) {
        this.#sockets.add(one)
        one.on('error', () => undefined)
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
  }

  static async of(target: number): Promise<PrimaryAddress> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new PrimaryAddress(server, target)
  }

  moveTo(target: number): void {
    this.#target = target
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

describe('P5: a replica that lacks the newest rows becomes the primary', () => {
  const services: Service[] = []
  let primary: RedisNode
  let replica: RedisNode
  let address: PrimaryAddress
  let kafka: Kafka
  let app: FakeApplication

  before(async () => {
    const [primaryPort = 0, replicaPort = 0] = await freePorts([0, 0])
    const password = newPassword()
    primary = await RedisNode.start({ name: 'failover-primary', port: primaryPort, password })
    replica = await RedisNode.start({
      name: 'failover-replica',
      port: replicaPort,
      password,
      settings: [`replicaof 127.0.0.1 ${primaryPort}`],
    })
    address = await PrimaryAddress.of(primary.port)
    kafka = await connectTestKafka()
    app = new FakeApplication(kafka, { view }, 2)
    await app.publish()
    const env = {
      KAPPA_REDIS_URL: `redis://127.0.0.1:${address.port}`,
      KAPPA_REDIS_PASSWORD_FILE: primary.passwordFile,
    }
    for (let instance = 0; instance < 2; instance += 1) {
      services.push(await startResults(environment(0, env)))
    }
  })
  after(async () => {
    await Promise.all(services.map((service) => service.stop()))
    await app.close()
    await kafka.close()
    await address.close()
    await Promise.all([primary, replica].map((node) => node.stop()))
  })

  async function write(source: number): Promise<void> {
    const ids = Array.from({ length: rows }, (_, id) => id)
    await app.append(
      'view',
      ids.map((id) => ({ key: [String(id)], batch: source, row: { id, n: source * 10_000 + id } })),
    )
    await app.position('view', source)
  }

  const page = (url: string) => get(url, `/v1/views/${app.name}/view?order=-n&limit=1000`)

  const reached = (url: string, source: number) =>
    until(
      () => page(url),
      (reply) => reply.status === 200 && sourceOf(reply) === source,
      20_000,
    )

  test('answers 503 until the rows are back, never one that is older than was answered', async () => {
    await write(1)
    for (const { url } of services) await reached(url, 1)
    await until(
      () => Promise.all([primary, replica].map(({ redis }) => redis.dbsize())),
      ([one, other]) => one === other,
    )
    await replica.redis.call('REPLICAOF', 'NO', 'ONE')
    await write(2)
    for (const { url } of services) await reached(url, 2)

    signalProcess(primary.pid, 'SIGKILL')
    address.moveTo(replica.port)
    for (const { url } of services) {
      let refused = 0
      await until(
        async () => {
          const reply = await page(url)
          if (reply.status !== 200) refused += 1
          else {
            assert.equal(sourceOf(reply), 2)
            assert.ok(reply.body.rows.every(({ n }) => Number(n) >= 20_000))
          }
          return reply
        },
        ({ status }) => status === 200,
        30_000,
      )
      if (url === services[0]?.url) assert.ok(refused > 0, 'the rows were not there at first')
      const count = await get(url, `/v1/views/${app.name}/view/count?n.gte=20000`)
      assert.equal((count.body as unknown as { count: number }).count, rows)
    }
    await write(3)
    for (const { url } of services) await reached(url, 3)
  })
})
