import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KubernetesApi } from '@kappa/replay/kubernetes/kubernetes-api'
import { stringify } from 'yaml'
import { type Endpoint, PlatformClient } from '../platform/platform-client.ts'
import { waitFor } from '../platform/wait.ts'
import { helm } from './helm.ts'
import { type Forward, forwardPort } from './port-forward.ts'
import type { Values } from './values.ts'

export const chart = join(import.meta.dirname, '..', '..', 'charts', 'kappa')
const ports = { ingest: 4001, replay: 4002, results: 4003 } as const
type ServiceName = keyof typeof ports

const goneTimeoutMs = 180_000
const installTimeout = '10m'
const requestTimeoutMs = 30_000

/** Kappa in a namespace of its own, with single-node Kafka, object store and Redis, by the chart. */
export class Installation extends PlatformClient {
  override ingest!: Endpoint
  override replay!: Endpoint
  override results!: Endpoint
  readonly api: KubernetesApi
  readonly namespace: string
  readonly release = 'kappa'
  readonly #folder: string
  readonly #forwards: Forward[] = []
  #uninstalling: Promise<string[]> | undefined

  private constructor(namespace: string, folder: string) {
    super()
    this.namespace = namespace
    this.#folder = folder
    this.api = new KubernetesApi(requestTimeoutMs)
  }

  /**
   * @param folder of this run; holds files with values
   * @param prepare what has to be there before; gives the chart's values
   */
  static async install(
    folder: string,
    prepare: (namespace: string, api: KubernetesApi) => Promise<Values>,
  ): Promise<Installation> {
    const namespace = `kappa-test-${randomBytes(3).toString('hex')}`
    const installation = new Installation(namespace, folder)
    await installation.api.core.createNamespace({
      body: {
        metadata: {
          name: namespace,
          labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
        },
      },
    })
    // Whoever is interrupted leaves nothing either.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => installation.uninstall().finally(() => process.exit(1)))
    }
    try {
      const values = await prepare(namespace, installation.api)
      await installation.helm('install', values)
      for (const name of Object.keys(ports) as ServiceName[]) {
        const labelSelector = await installation.#selectorOf(name)
        const forward = await installation.forward({ labelSelector, port: ports[name] })
        installation[name] = { url: `http://127.0.0.1:${forward.port}` }
      }
      return installation
    } catch (error) {
      await installation.uninstall()
      throw error
    }
  }

  async helm(action: 'install' | 'upgrade', values: Values): Promise<void> {
    const file = join(this.#folder, `${this.namespace}-values.yaml`)
    writeFileSync(file, stringify(values))
    await helm(
      ...[action, this.release, chart, '--namespace', this.namespace, '--values', file],
      ...['--wait', '--timeout', installTimeout],
    )
  }

  rollBackHelm(): Promise<string> {
    const place = ['--namespace', this.namespace]
    return helm('rollback', this.release, ...place, '--wait', '--timeout', installTimeout)
  }

  async forward(target: { labelSelector?: string; pod?: string; port: number }): Promise<Forward> {
    const { config, core } = this.api
    const forward = await forwardPort(config, core, { namespace: this.namespace, ...target })
    this.#forwards.push(forward)
    return forward
  }

  /** Names of the pods with a component's label, ready or not. */
  async podsOf(component: string): Promise<string[]> {
    const labelSelector = `app.kubernetes.io/component=${component}`
    const { items } = await this.api.core.listNamespacedPod({
      namespace: this.namespace,
      labelSelector,
    })
    return items.map(({ metadata }) => metadata?.name ?? '')
  }

  /** @throws Error there is none */
  async podOf(component: string): Promise<string> {
    const [pod] = await this.podsOf(component)
    if (pod === undefined) throw new Error(`There is no pod of ${component}.`)
    return pod
  }

  /** The pod of replay to which requests go. */
  async leader(): Promise<string> {
    const labelSelector = await this.#selectorOf('replay')
    const { items } = await this.api.core.listNamespacedPod({
      namespace: this.namespace,
      labelSelector,
    })
    const [pod] = items
    if (items.length !== 1 || !pod) throw new Error(`${items.length} pods of replay lead.`)
    return pod.metadata?.name ?? ''
  }

  /** With a moment to stop in order that is too short for it. */
  async deletePod(name: string): Promise<void> {
    const body = { gracePeriodSeconds: 1 }
    await this.api.core.deleteNamespacedPod({ name, namespace: this.namespace, body })
  }

  /** Uninstalls and resolves with what is left of it in the namespace, which is removed as well. */
  uninstall(): Promise<string[]> {
    this.#uninstalling ??= this.#uninstall()
    return this.#uninstalling
  }

  async #uninstall(): Promise<string[]> {
    await Promise.all(this.#forwards.map((forward) => forward.close()))
    const place = ['--namespace', this.namespace]
    await helm('uninstall', this.release, ...place, '--ignore-not-found', '--wait')
    let left: string[] = []
    await waitFor(
      `nothing being left in ${this.namespace}`,
      async () => {
        left = await this.#objects()
        return left.length === 0 ? true : undefined
      },
      goneTimeoutMs,
    ).catch(() => undefined)
    await this.api.core.deleteNamespace({ name: this.namespace })
    return left
  }

  /** All that is not Kubernetes' own. */
  async #objects(): Promise<string[]> {
    const { core, coordination } = this.api
    const { namespace } = this
    const lists = await Promise.all([
      core.listNamespacedPod({ namespace }),
      core.listNamespacedService({ namespace }),
      core.listNamespacedSecret({ namespace }),
      core.listNamespacedConfigMap({ namespace }),
      core.listNamespacedServiceAccount({ namespace }),
      core.listNamespacedPersistentVolumeClaim({ namespace }),
      coordination.listNamespacedLease({ namespace }),
    ])
    const own = new Set(['kube-root-ca.crt', 'default'])
    return lists
      .flatMap(({ kind, items }) =>
        items.map(({ metadata }) => ({ kind, name: metadata?.name ?? '' })),
      )
      .filter(({ name }) => !own.has(name))
      .map(({ kind, name }) => `${kind} ${name}`)
  }

  async #selectorOf(service: ServiceName): Promise<string> {
    const name = `${this.release}-${service}`
    const { spec } = await this.api.core.readNamespacedService({ name, namespace: this.namespace })
    return Object.entries(spec?.selector ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(',')
  }
}
