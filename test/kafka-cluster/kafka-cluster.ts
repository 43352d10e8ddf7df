import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { newClusterId, type RunningKafka, startKafkaNode } from '@kappa/local/kafka'
import type { KafkaNode } from '@kappa/local/kafka-properties'
import { freePorts } from '@kappa/processes/ports'
import { signalProcess } from '@kappa/processes/signal-process'
import { askPython } from '../python.ts'
import { testStack } from '../stack.ts'
import { until } from '../until.ts'

const NODES = [1, 2, 3]
const HEAP = '256m'
const IN_SYNC_TIMEOUT_MS = 90_000

/** A dead broker is found out after seconds, not after Kafka's nine: tests wait for it. */
const QUICK_FAILOVER = {
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'controller.quorum.fetch.timeout.ms': '2000',
  'controller.quorum.election.timeout.ms': '1000',
}

export interface PartitionState {
  /** -1: none. */
  readonly leader: number
  readonly inSync: readonly number[]
}

/**
 * Three brokers on loopback, each a controller too: three copies of each partition, two of which
 * have an acknowledged record at least.
 */
export class KafkaCluster {
  readonly #folder: string
  readonly #clusterId = newClusterId()
  readonly #nodes: readonly Omit<KafkaNode, 'dataFolder'>[]
  readonly #running = new Map<number, RunningKafka>()

  static async start(): Promise<KafkaCluster> {
    const ports = await freePorts(NODES.flatMap(() => [0, 0]))
    const cluster = new KafkaCluster(ports)
    try {
      await Promise.all(NODES.map((id) => cluster.restart(id)))
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  private constructor(ports: readonly number[]) {
    this.#folder = mkdtempSync(join(testStack().stateFolder, 'kafka-cluster-'))
    const voters = NODES.map((id, index) => `${id}@127.0.0.1:${ports[2 * index + 1]}`)
    this.#nodes = NODES.map((id, index) => ({
      id,
      brokerPort: ports[2 * index] as number,
      controllerPort: ports[2 * index + 1] as number,
      voters,
      replication: { factor: 3, inSyncMin: 2 },
      properties: QUICK_FAILOVER,
    }))
  }

  /** `host:port` of every node, running or not. */
  get brokers(): string[] {
    return this.#nodes.map(({ brokerPort }) => `127.0.0.1:${brokerPort}`)
  }

  /** At once, with no chance to hand anything over. */
  async kill(id: number): Promise<void> {
    const { child } = this.#running.get(id) as RunningKafka
    this.#running.delete(id)
    signalProcess(child.pid, 'SIGKILL')
    await child.exited
  }

  /** Starts a node that does not run, with the data that it has. */
  async restart(id: number): Promise<void> {
    const { java, kafkaJarsFolder } = testStack()
    const name = `node-${id}`
    const node = this.#nodes.find((candidate) => candidate.id === id)
    if (node === undefined) throw new Error(`there is no node ${id}`)
    const started = await startKafkaNode(
      { java, jarsFolder: kafkaJarsFolder, heap: HEAP, name, clusterId: this.#clusterId, node },
      {
        folders: { logs: join(this.#folder, 'logs'), pids: join(this.#folder, 'run') },
        dataFolder: join(this.#folder, name),
        configFolder: join(this.#folder, 'config'),
      },
    )
    this.#running.set(id, started)
  }

  /** By partition, as a client that Kappa does not use is told. */
  async partitions(topic: string): Promise<readonly PartitionState[]> {
    return askPython('partitions', { brokers: this.brokers.join(','), topic })
  }

  /** Every copy of every partition is up to date, so that losing one node loses nothing. */
  async untilInSync(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      await until(
        () => this.partitions(topic),
        (states) => states.every(({ inSync }) => inSync.length === NODES.length),
        IN_SYNC_TIMEOUT_MS,
      )
    }
  }

  async stop(): Promise<void> {
    // In turn they would wait for each other: a node without a quorum does not stop in order.
    for (const id of [...this.#running.keys()]) await this.kill(id)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
