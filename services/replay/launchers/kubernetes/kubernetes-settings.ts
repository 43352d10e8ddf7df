import { readFileSync } from 'node:fs'
import type { ConfigReader } from '@kappa/service/config'
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'

const closed = { additionalProperties: false }
const texts = (description: string) =>
  Type.Optional(Type.Record(Type.String(), Type.String(), { description }))
const asKubernetesHasIt = <T extends TSchema>(schema: T, description: string) =>
  Type.Optional(Type.Unsafe<Static<T>>({ ...schema, description }))

const anyObject = Type.Record(Type.String(), Type.Any())

const podSettings = {
  cpuRequest: Type.Optional(Type.String({ description: 'For example `500m`.' })),
  scratchSizeLimit: Type.Optional(
    Type.String({ description: 'Of each of its scratch volumes, for example `20Gi`.' }),
  ),
  cpuLimit: Type.Optional(Type.String({ description: 'None by default: idle cores are used.' })),
  labels: texts('On top of those that the launcher sets.'),
  annotations: texts('Of the pods.'),
  nodeSelector: texts('Where the pods may run.'),
  tolerations: asKubernetesHasIt(Type.Array(anyObject), 'Of the pods, as Kubernetes has them.'),
  affinity: asKubernetesHasIt(anyObject, 'Of the pods, as Kubernetes has it.'),
}

const driverSettings = Type.Object(
  {
    ...podSettings,
    memory: Type.Optional(
      Type.String({ pattern: '^[1-9]\\d{0,5}[mg]$', description: 'JVM heap, for example `1g`.' }),
    ),
  },
  closed,
)

const executorSettings = Type.Object(podSettings, closed)

const clusterSettings = {
  driver: Type.Optional(driverSettings),
  executor: Type.Optional(executorSettings),
}

const settingsFile = Type.Object(
  {
    image: Type.String({ minLength: 1, description: 'Of Spark, built from infra/images/spark.' }),
    imagePullPolicy: Type.Optional(Type.Enum(['Always', 'IfNotPresent', 'Never'])),
    imagePullSecrets: Type.Optional(Type.Array(Type.String())),
    namespace: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Of applications that are not named below; left out, those have none.',
      }),
    ),
    namespaces: texts('Application to namespace.'),
    owner: Type.String({
      minLength: 1,
      description: 'ConfigMap in each namespace that owns what belongs to releases.',
    }),
    runAs: Type.Optional(
      Type.Object(
        { user: Type.Optional(Type.Integer()), group: Type.Optional(Type.Integer()) },
        { ...closed, description: 'Of all pods; left out, the cluster says.' },
      ),
    ),
    serviceAccount: Type.String({ minLength: 1, description: 'Of drivers.' }),
    priorityClasses: Type.Optional(
      Type.Object({ live: Type.String(), replay: Type.String() }, closed),
    ),
    ...clusterSettings,
    replay: Type.Optional(
      Type.Object(clusterSettings, {
        ...closed,
        description: 'What is otherwise for clusters of replays.',
      }),
    ),
  },
  closed,
)

const checked = Compile(settingsFile)

export type PodSettings = Static<typeof executorSettings>
export type DriverSettings = Static<typeof driverSettings>

export interface KubernetesLauncherSettings extends Static<typeof settingsFile> {
  /** Longest wait for the answer to one call of the API. */
  readonly requestTimeoutMs: number
  /** How often pods are listed anew, whatever the watch has told. */
  readonly relistIntervalMs: number
  /** How long pods may take to be gone. */
  readonly stopTimeoutMs: number
}

export function readKubernetesLauncher(read: ConfigReader): KubernetesLauncherSettings {
  return {
    ...readSettingsFile(read),
    requestTimeoutMs: read.milliseconds('KAPPA_KUBERNETES_REQUEST_TIMEOUT_MS', { default: 10_000 }),
    relistIntervalMs: read.milliseconds('KAPPA_KUBERNETES_RELIST_INTERVAL_MS', {
      default: 30_000,
    }),
    stopTimeoutMs: read.milliseconds('KAPPA_KUBERNETES_STOP_TIMEOUT_MS', { default: 45_000 }),
  }
}

function readSettingsFile(read: ConfigReader): Static<typeof settingsFile> {
  const name = 'KAPPA_KUBERNETES_SETTINGS_FILE'
  const wanted = 'a YAML file with the settings of the Kubernetes launcher'
  const nothing = { image: '', owner: '', serviceAccount: '' }
  const file = read.text(name)
  if (file === '') return nothing
  let value: unknown
  try {
    value = parse(readFileSync(file, 'utf8'))
  } catch (error) {
    read.reject(name, `names a file that cannot be read (${(error as Error).message})`, wanted)
    return nothing
  }
  if (checked.Check(value)) return value
  const [problem] = checked.Errors(value)
  const where = problem?.instancePath === '' ? 'it' : problem?.instancePath.slice(1)
  read.reject(name, `names a file in which ${where} ${problem?.message}`, wanted)
  return nothing
}

/** What holds for a driver or an executor of a live release or of a replay. */
export function podSettingsOf(
  settings: KubernetesLauncherSettings,
  part: 'driver' | 'executor',
  priority: 'live' | 'replay',
): DriverSettings {
  return { ...settings[part], ...(priority === 'replay' ? settings.replay?.[part] : {}) }
}
