import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { newClusterId, type RunningKafka, startKafkaNode } from '@kappa/local/kafka'
import { freePorts } from '@kappa/processes/ports'
import { signalProcess } from '@kappa/processes/signal-process'
import { testStack } from '@kappa/test/stack'

const HEAP = '256m'

/** A broker of the tests' own, which can be killed and started again with its data. */
export class RestartableKafka {
  readonly #folder = mkdtempSync(join(testStack().stateFolder, 'kafka-restart-'))
  readonly #clusterId = newClusterId()
  readonly #ports: readonly [number, number]
  #running: RunningKafka | undefined

  static async start(): Promise<RestartableKafka> {
    const kafka = new RestartableKafka((await freePorts([0, 0])) as [number, number])
    await kafka.restart()
    return kafka
  }

  private constructor(ports: readonly [number, number]) {
    this.#ports = ports
  }

  get broker(): string {
    return `127.0.0.1:${this.#ports[0]}`
  }

  async kill(): Promise<void> {
    const child = this.#running?.child
    this.#running = undefined
    if (!child) return
    signalProcess(child.pid, 'SIGKILL')
    await child.exited
  }

  async restart(): Promise<void> {
    const { java, kafkaJarsFolder } = testStack()
    const [brokerPort, controllerPort] = this.#ports
    this.#running = await startKafkaNode(
      {
        java,
        jarsFolder: kafkaJarsFolder,
        heap: HEAP,
        name: 'kafka',
        clusterId: this.#clusterId,
        node: {
          id: 1,
          brokerPort,
          controllerPort,
          voters: [`1@127.0.0.1:${controllerPort}`],
          replication: { factor: 1, inSyncMin: 1 },
        },
      },
      {
        folders: { logs: join(this.#folder, 'logs'), pids: join(this.#folder, 'run') },
        dataFolder: join(this.#folder, 'data'),
        configFolder: join(this.#folder, 'config'),
      },
    )
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
