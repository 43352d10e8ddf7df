import { createLogger } from '@kappa/service/logger'
import type { ObjectStoreSettings } from '@kappa/service/settings'
import { SparkTransportError } from '@kappa/spark-connect/errors'
import { connectSpark } from '@kappa/spark-connect/session'
import { Installation } from '@kappa/test/kubernetes/installation'
import { clusterValues, merged } from '@kappa/test/kubernetes/values'
import type { KubernetesObject } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { KubernetesLauncher } from '../../launchers/kubernetes/kubernetes-launcher.ts'
import type { KubernetesLauncherSettings } from '../../launchers/kubernetes/kubernetes-settings.ts'
import type { LauncherRig, ReleaseName } from './launcher-rig.ts'

const connectPort = 15_002
const probeTimeoutMs = 2_000
const nobody = { replicas: 0 }
const forNow = { persistence: { enabled: false } }

export interface KubernetesRig extends LauncherRig {
  readonly installation: Installation
  /** With other settings than those of the chart. */
  launcherWith(settings: Partial<KubernetesLauncherSettings>): KubernetesLauncher
}

/** Pods of the current context, with the accounts, the settings and the object store of the chart. */
export async function kubernetesRig(folder: string): Promise<KubernetesRig> {
  const installation = await Installation.install(folder, async () =>
    merged(clusterValues(), {
      ingest: nobody,
      results: nobody,
      replay: nobody,
      dev: { kafka: forNow, objectStore: forNow },
    }),
  )
  const { api, namespace } = installation
  const launchers: KubernetesLauncher[] = []
  const maps = await api.core.readNamespacedConfigMap({ name: 'kappa-launcher', namespace })
  const settings: KubernetesLauncherSettings = {
    ...parse(maps.data?.['kubernetes.yaml'] ?? ''),
    requestTimeoutMs: 10_000,
    relistIntervalMs: 30_000,
    stopTimeoutMs: 60_000,
  }
  const logger = createLogger('launcher-rig', 'warn')
  const selector = ({ application, release }: ReleaseName) => ({
    namespace,
    labelSelector: `kappa.dev/application=${application},kappa.dev/release=${release}`,
  })
  const podsOf = async (release: ReleaseName) =>
    (await api.core.listNamespacedPod(selector(release))).items
  const driverOf = ({ application, release }: ReleaseName) => `${application}-${release}`
  const forwards = new Map<string, number>()

  const launcherWith = (over: Partial<KubernetesLauncherSettings>) => {
    const launcher = new KubernetesLauncher({ ...settings, ...over }, logger, {
      async connectTo({ name }) {
        const target = { pod: name, port: connectPort }
        const port = forwards.get(name) ?? (await installation.forward(target)).port
        forwards.set(name, port)
        return (await answers(port)) ? { host: '127.0.0.1', port } : undefined
      },
    })
    launchers.push(launcher)
    return launcher
  }

  return {
    installation,
    launcherWith,
    launcher: () => launcherWith({}),
    size: { cores: 1, memory: '512m', executors: 1 },
    objectStore: await objectStoreOf(installation),
    startTimeoutMs: 240_000,
    async running(release) {
      return (await podsOf(release)).map(({ metadata }) => `pod ${metadata?.name} ${metadata?.uid}`)
    },
    async leftovers(release) {
      const lists = await Promise.all([
        api.core.listNamespacedPod(selector(release)),
        api.core.listNamespacedSecret(selector(release)),
        api.core.listNamespacedConfigMap(selector(release)),
        api.core.listNamespacedService(selector(release)),
      ])
      return lists.flatMap(({ items }) =>
        (items as KubernetesObject[]).map(({ metadata }) => String(metadata?.name)),
      )
    },
    async visible(release) {
      const lists = await Promise.all([
        api.core.listNamespacedPod(selector(release)),
        api.core.listNamespacedConfigMap({ namespace }),
        api.core.listNamespacedService(selector(release)),
        api.core.listNamespacedEvent({ namespace }),
      ])
      const log = await api.core.readNamespacedPodLog({ name: driverOf(release), namespace })
      return JSON.stringify(lists) + log
    },
    async kill(release) {
      await installation.deletePod(driverOf(release))
    },
    async priority(release) {
      return Math.max(...(await podsOf(release)).map(({ spec }) => spec?.priority ?? 0))
    },
    starved: { memory: '24m', reason: /memory .*must be at least/ },
    async close() {
      await Promise.all(launchers.map((launcher) => launcher.close()))
      await installation.uninstall()
    },
  }
}

/** A forwarded port accepts connections whether or not Spark Connect is behind it. */
async function answers(port: number): Promise<boolean> {
  try {
    const address = `127.0.0.1:${port}`
    await connectSpark({ address, userId: 'launcher-rig', requestTimeoutMs: probeTimeoutMs })
    return true
  } catch (error) {
    return error instanceof SparkTransportError && error.kind === 'unauthenticated'
  }
}

async function objectStoreOf({ api, namespace }: Installation): Promise<ObjectStoreSettings> {
  const secret = await api.core.readNamespacedSecret({ name: 'kappa-dev', namespace })
  const file = Buffer.from(secret.data?.['s3-credentials.json'] ?? '', 'base64').toString()
  return {
    endpoint: `http://kappa-object-store.${namespace}.svc:8333`,
    region: 'us-east-1',
    bucket: 'kappa',
    requestTimeoutMs: 30_000,
    ...JSON.parse(file),
  }
}
